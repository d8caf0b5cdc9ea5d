package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.schema.TablePatterns;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.OptionalLong;

/**
 * The write connection with everything that is prepared on it. Confined to the applier thread.
 *
 * <p>One transaction at a time; {@link SqliteTransaction} is its face.
 */
final class WriteSide implements AutoCloseable {
  private static final int CACHE_KIB = 32 << 10;

  /** Rows of the change log that may be read while the application waits: some milliseconds. */
  private static final long MOST_ROWS_UNDER_LOCK = 5_000;

  /** An application that writes faster than its log can be read must not stop applying. */
  private static final int MOST_LOCKS = 10;

  private final Connection connection;
  private final Query beginDeferred;
  private final Query beginImmediate;
  private final Query raiseGuard;
  private final Query emptyNotes;
  private final Query lowerGuard;
  private final Query commit;
  private final Query rollback;
  private final SchemaTracker<TableWriter> tracker;
  private final PendingKeys pending;
  private final Bookkeeping books;
  private final SetAside aside;
  private final TriggerSuspension triggers;
  private final Query newestSeq;
  private final Query trimLog;
  private final Query forgetOwn;
  private final SetBackCheck setBack;
  private final TablePatterns excluded;
  private final long maxRowBytes;
  private long seqFloor;
  private long newest;
  private long lockedNanos;

  private WriteSide(
      Connection connection,
      Hooks hooks,
      BookkeepingMemory memory,
      boolean replicating,
      StoreOptions options)
      throws SQLException {
    this.connection = connection;
    this.triggers = new TriggerSuspension(connection, options.clock());
    this.tracker =
        SchemaTracker.open(
            connection,
            hooks,
            memory,
            (on, table, encoding) ->
                new TableWriter(on, table, encoding, options.maxRowBytes(), triggers),
            replicating);
    this.beginDeferred = new Query(connection, "BEGIN");
    this.beginImmediate = new Query(connection, "BEGIN IMMEDIATE");
    this.raiseGuard = new Query(connection, "INSERT INTO main.__marmot_guard VALUES(1)");
    this.emptyNotes = new Query(connection, "DELETE FROM main.__marmot_note");
    this.lowerGuard = new Query(connection, "DELETE FROM main.__marmot_guard");
    this.commit = new Query(connection, "COMMIT");
    this.rollback = new Query(connection, "ROLLBACK");
    this.excluded = options.excluded();
    this.maxRowBytes = options.maxRowBytes();
    this.pending = PendingKeys.open(connection);
    this.books = Bookkeeping.open(connection);
    this.aside = new SetAside(connection, options.clock(), options.conflictRows());
    this.aside.begin();
    this.newestSeq =
        new Query(connection, "SELECT ifnull(max(seq),0) FROM main.__marmot_change_log");
    this.trimLog =
        new Query(
            connection,
            "DELETE FROM main.__marmot_change_log WHERE seq<=?1 AND seq<?2"
                + " AND seq NOT IN (SELECT seq FROM main.__marmot_held_back)");
    this.setBack = new SetBackCheck(connection, memory);
    this.forgetOwn = new Query(connection, "DELETE FROM main.__marmot_change_log WHERE seq>?1");
  }

  static WriteSide open(
      Connection connection,
      Hooks hooks,
      BookkeepingMemory memory,
      boolean replicating,
      StoreOptions options)
      throws SQLException {
    try (Statement pragmas = connection.createStatement()) {
      // What one node accepted, all nodes store: the checks were made where the row was written.
      pragmas.execute("PRAGMA foreign_keys=OFF");
      pragmas.execute("PRAGMA ignore_check_constraints=ON");
      pragmas.execute("PRAGMA recursive_triggers=OFF");
      pragmas.execute("PRAGMA synchronous=NORMAL");
      // Large transactions into tables with indexes touch many pages: with SQLite's usual 2 MiB
      // they
      // would be written and read again while the write lock is held.
      pragmas.execute("PRAGMA cache_size=-" + CACHE_KIB);
    }
    return new WriteSide(connection, hooks, memory, replicating, options);
  }

  /** For what is done between transactions. */
  Connection connection() {
    return connection;
  }

  ChangeLog changeLog() {
    return tracker.changeLog();
  }

  TableSet<TableWriter> tables() {
    return tracker.tables();
  }

  boolean excludes(String table) {
    return excluded.match(table);
  }

  /** Stored rows with more bytes are not read. */
  long maxRowBytes() {
    return maxRowBytes;
  }

  PendingKeys pending() {
    return pending;
  }

  Bookkeeping books() {
    return books;
  }

  SetAside aside() {
    return aside;
  }

  TriggerSuspension triggers() {
    return triggers;
  }

  OptionalLong heldSchema() throws SQLException {
    return aside.anyHeld() ? OptionalLong.of(tracker.cookie()) : OptionalLong.empty();
  }

  /** Brings the tables up to the present schema; outside a transaction. */
  void refresh() throws SQLException {
    if (!tracker.current()) {
      tracker.refresh(seqFloor);
      // Keys may be equal by other rules now, and tables may have other numbers.
      pending.restart();
    }
  }

  /**
   * Takes the write lock and brings everything up to what is committed in the file.
   *
   * <p>A long transaction of the application, also one that this waited for, leaves a long tail of
   * the log behind: that is read without the lock, and only the rest under it.
   */
  void begin(ReplicaState state) throws SQLException {
    long applied = applied(state);
    for (int locks = 1; true; locks++) {
      readAhead(applied);
      lock();
      lockedNanos = System.nanoTime();
      newest = newestSeq.number(0);
      if (tracker.current() && (locks >= MOST_LOCKS || !isLong(applied))) {
        break;
      }
      rollback.update();
    }
    checkSetBack(state);
    raiseGuard.update();
    emptyNotes.update();
    pending.readTail(tracker.changeLog(), tracker.tables(), applied);
    aside.begin();
  }

  private void checkSetBack(ReplicaState state) throws SQLException {
    boolean as = false;
    try {
      setBack.run(state, newest, seqFloor);
      as = true;
    } finally {
      if (!as) {
        rollback();
      }
    }
  }

  private boolean isLong(long applied) {
    return newest - pending.readUpTo(applied) > MOST_ROWS_UNDER_LOCK;
  }

  /** Reads a long tail of the log while everybody may write. */
  private void readAhead(long applied) throws SQLException {
    refresh();
    newest = newestSeq.number(0);
    if (!isLong(applied)) {
      return;
    }
    beginDeferred.update();
    boolean done = false;
    try {
      if (tracker.current()) { // in the state of the file that is read
        pending.readTail(tracker.changeLog(), tracker.tables(), applied);
      }
      commit.update();
      seqFloor = Math.max(seqFloor, pending.committed());
      done = true;
    } finally {
      if (!done) {
        rollback();
      }
    }
  }

  /** {@link System#nanoTime} of when the present transaction got the write lock. */
  long lockedNanos() {
    return lockedNanos;
  }

  private void lock() throws SQLException {
    while (true) {
      try {
        beginImmediate.update();
        return;
      } catch (SQLException e) {
        Waiting.orThrow(e, "begin the apply transaction");
      }
    }
  }

  /** Newest change log row of this file that is applied: what the log still holds of it is old. */
  static long applied(ReplicaState state) {
    return state.last().values().stream()
        .filter(last -> last.file() == state.file())
        .mapToLong(LastApplied::maxSeq)
        .max()
        .orElse(0);
  }

  /** The application's newest row of the log stays, so that its number is never given again. */
  void trimChangeLog(long maxSeq) throws SQLException {
    trimLog.bind(1, maxSeq).bind(2, newest).update();
    pending.trimmed(maxSeq);
  }

  void maxPages(int pages) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA main.max_page_count=" + pages);
    }
  }

  void commit() throws SQLException {
    aside.trimConflicts();
    triggers.restore(tracker.schemaVersion());
    lowerGuard.update();
    // The write lock is held since the beginning: whatever came since, this transaction logged.
    forgetOwn.bind(1, newest).update();
    commit.update();
    seqFloor = Math.max(seqFloor, pending.committed());
  }

  /** Undoes everything since {@link #begin}, whatever state SQLite left the transaction in. */
  void rollback() throws SQLException {
    triggers.reset();
    pending.rolledBack();
    try {
      rollback.update();
    } catch (SQLException e) {
      // Some errors roll back by themselves (sqlite.org/lang_transaction.html §3.2); then there is
      // no transaction, which is all that is wanted.
      if (!String.valueOf(e.getMessage()).contains("no transaction is active")) {
        throw e;
      }
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
