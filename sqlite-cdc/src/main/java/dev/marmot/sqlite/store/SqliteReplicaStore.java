package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ConflictHead;
import dev.marmot.sqlite.FileFaults;
import dev.marmot.sqlite.HeldBackRow;
import dev.marmot.sqlite.HeldRow;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.schema.SchemaReader;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replica store on the application's SQLite file. Thread-safe as {@link ReplicaStore} says:
 * apply belongs to one thread, capture and sync to another, the rest to any.
 *
 * <p>While it is open, it holds connections to the file, so that no application is the last to
 * close it and deletes the WAL.
 */
public final class SqliteReplicaStore implements ReplicaStore {
  private static final Logger log = LoggerFactory.getLogger(SqliteReplicaStore.class);

  // How long SQLite itself waits for a lock before the store looks whether it may go on waiting.
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);

  private final StoreOptions options;
  private final Staging staging;
  private final Path database;
  private final Path wal;
  private final WriteSide writeSide;
  private final CaptureSide captureSide;
  private final WalSync walSync;
  private final WalTrim walTrim;
  private final StatusSide status;
  private final BookkeepingMemory memory;
  private @Nullable CommitWatch watch;

  private SqliteReplicaStore(
      StoreOptions options,
      Path database,
      WriteSide writeSide,
      CaptureSide captureSide,
      StatusSide status,
      BookkeepingMemory memory) {
    this.options = options;
    this.database = database;
    this.staging = new Staging(database, options);
    this.wal = database.resolveSibling(database.getFileName() + "-wal");
    this.writeSide = writeSide;
    this.captureSide = captureSide;
    this.walSync = new WalSync(wal);
    this.walTrim = new WalTrim(writeSide.connection(), wal);
    this.status = status;
    this.memory = memory;
  }

  /**
   * Opens a file that the application has made, switches it to WAL mode, and installs the hooks and
   * Marmot's own tables where they are missing.
   */
  public static SqliteReplicaStore open(Path database, StoreOptions options) {
    return open(database, options, () -> {});
  }

  /**
   * The same.
   *
   * @param first what has to see the file as it is when the hooks are installed for the first time
   */
  public static SqliteReplicaStore open(Path database, StoreOptions options, FirstContent first) {
    return open(database, options, first::begin);
  }

  private static SqliteReplicaStore open(Path database, StoreOptions options, Hooks.Moment first) {
    DatabaseFile file = new DatabaseFile(database, LOCK_WAIT);
    Hooks hooks = new Hooks(new SchemaReader(options.excluded()), first);
    List<Connection> opened = new ArrayList<>();
    try {
      file.check();
      Path real = database.toRealPath();
      for (int i = 0; i < 3; i++) {
        opened.add(file.connect());
      }
      Connection write = opened.get(0);
      file.useWal(write);
      boolean replicating = createTables(write);
      BookkeepingMemory memory = BookkeepingMemory.load(write, options.clock());
      WriteSide writeSide = WriteSide.open(write, hooks, memory, replicating, options);
      CaptureSide captureSide = CaptureSide.open(opened.get(1), hooks, memory, options);
      StatusSide status = new StatusSide(opened.get(2), new SchemaReader(options.excluded()));
      SqliteReplicaStore store =
          new SqliteReplicaStore(options, real, writeSide, captureSide, status, memory);
      store.staging.clean();
      opened.clear();
      return store;
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("open " + database, e);
    } catch (IOException e) {
      throw new SqliteReplicationException("cannot open the database: " + FileFaults.advice(e), e);
    } finally {
      opened.forEach(SqliteReplicaStore::closeQuietly);
    }
  }

  /**
   * Makes the bookkeeping tables; says whether they were there, so that the file was replicated.
   */
  private static boolean createTables(Connection connection) throws SQLException {
    return Waiting.immediately(
        connection,
        "create the bookkeeping tables",
        () -> {
          boolean before = Bookkeeping.exists(connection);
          Bookkeeping.create(connection, new SecureRandom());
          return before;
        });
  }

  private static void closeQuietly(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      // The reason why opening failed is on its way to the caller.
      return;
    }
  }

  @Override
  public ReplicaState state() {
    return memory.state();
  }

  @Override
  public List<WriterEntry> writers() {
    return status.read("read the writers", Bookkeeping::writers);
  }

  @Override
  public ApplyTransaction begin() {
    while (true) {
      ReplicaState before = state();
      SqliteTransaction transaction = new SqliteTransaction(writeSide, before, this::committed);
      transaction.begin();
      if (before.equals(state())) {
        return transaction;
      }
      transaction.close(); // the application had dropped our tables: they begin with another window
    }
  }

  private void committed(ReplicaState now) {
    memory.state(now);
    try {
      walTrim.run(LOCK_WAIT.toMillis());
    } catch (SQLException e) {
      log.atWarn().setCause(e).log("wal not cut back"); // everything is committed all the same
    }
  }

  private void installed(ReplicaState now) {
    memory.forget(Adoption.MUST_INSTALL);
    committed(now);
  }

  @Override
  public StagedReplica stage() {
    try {
      return staging.stage(() -> Math.max(captureSide.seqFloor(), WriteSide.applied(state())));
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("copy the file", e);
    } catch (IOException e) {
      throw new SqliteReplicationException(
          "cannot copy the file: " + e.getMessage() + "; check the disk", e);
    }
  }

  @Override
  public List<WriterEntry> writers(Snapshot snapshot) {
    return file(snapshot).writers();
  }

  @Override
  public InstallTransaction install(Snapshot snapshot) {
    try {
      SqliteSnapshot from = file(snapshot);
      return SqliteInstall.begin(writeSide, from, options, state(), this::installed);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("install the snapshot", e);
    }
  }

  private static SqliteSnapshot file(Snapshot snapshot) {
    if (snapshot instanceof SqliteSnapshot file) {
      return file;
    }
    throw new IllegalArgumentException(
        "cannot read the snapshot " + snapshot + ": it is no file; open it as one");
  }

  @Override
  public Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits) {
    try {
      return captureSide.capture(afterSeq, limits, state());
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("capture changes", e);
    }
  }

  @Override
  public long newestSeq() {
    try {
      return captureSide.newestSeq();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the change log", e);
    }
  }

  @Override
  public long pendingChanges() {
    return status.pendingChanges(WriteSide.applied(state()));
  }

  @Override
  public void sync() {
    try {
      walSync.sync();
    } catch (IOException e) {
      throw new SqliteReplicationException(
          "cannot sync " + wal + ": " + e.getMessage() + "; check the disk and the system's log",
          e);
    }
  }

  @Override
  public void onCommit(Runnable wake) {
    if (watch != null) {
      throw new IllegalStateException(
          "cannot watch " + wal + " twice: a listener is set; combine the two");
    }
    try {
      watch = CommitWatch.start(wal, options.poll(), options.name() + "-commit-watch", wake);
    } catch (IOException e) {
      throw new SqliteReplicationException(
          "cannot watch the directory of "
              + wal
              + ": "
              + e.getMessage()
              + "; raise the system's limit of file watches",
          e);
    }
  }

  /**
   * Keeps the number of this start in the file, durably: a file that is set back has another one.
   */
  public void start(String number) {
    meta(SetBackCheck.START, number);
    sync();
  }

  /** The number of the last start; empty before the first. */
  public Optional<String> start() {
    return meta(SetBackCheck.START);
  }

  /** A value that was kept in the file under this key, for checks of identity. */
  public Optional<String> meta(String key) {
    return status.meta(key);
  }

  /** Keeps a value in the file. */
  public void meta(String key, String value) {
    status.meta(key, value);
    memory.meta(key, value);
  }

  /** What identifies the file and its state, for the checks at start. */
  public StoreFacts facts() {
    boolean mustInstall = meta(Adoption.MUST_INSTALL).isPresent();
    return status.read(
        "read the change log",
        connection -> {
          long newest =
              SqliteSnapshot.number(connection, "SELECT max(seq) FROM main.__marmot_change_log");
          return new StoreFacts(state().file(), state().position(), newest, mustInstall);
        });
  }

  /** Notes, until a snapshot is installed, that the rows are not those of the position. */
  public void requireInstall() {
    meta(Adoption.MUST_INSTALL, "1");
  }

  /**
   * The file as it is committed now, to hash and read it while everybody goes on writing. Called by
   * the applier thread between two transactions, it stands exactly at {@link #state}'s position.
   */
  public Reading openRead() {
    try {
      return Reading.open(database, options.excluded());
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the file", e);
    }
  }

  /** Sends this node's rows under these keys to all nodes, as a write would; returns how many. */
  public int resend(List<RowImage> rows) {
    return status.resend(rows);
  }

  /** Content hash of each replicated table, all at one moment, to compare files. */
  public Map<String, String> digests() {
    return status.digests();
  }

  /**
   * The conflict log: entries with a larger id, oldest first, until the caller has enough. The
   * caller is quick and asks nothing else of the store meanwhile.
   */
  public void conflicts(long after, Predicate<LoggedConflict> goOn) {
    status.walk("read the conflict log", c -> AsideReader.conflicts(c, after, goOn));
  }

  /**
   * What tells entries of the conflict log with a larger id apart, at most so many, oldest first.
   */
  public List<ConflictHead> conflictHeads(long after, int limit) {
    return status.read("read the conflict log", c -> AsideReader.conflictHeads(c, after, limit));
  }

  /** Those of another node's conflict log that are not in this one. */
  public List<ConflictHead> lackingConflicts(List<ConflictHead> theirs) {
    return status.read("read the conflict log", c -> AsideReader.lacking(c, theirs));
  }

  /** Held rows with a larger id, oldest first; as {@link #conflicts}. */
  public void held(long after, Predicate<HeldRow> goOn) {
    status.walk("read the held rows", c -> AsideReader.held(c, after, goOn));
  }

  @Override
  public int heldBackRows() {
    return captureSide.heldBack();
  }

  /** The rows of this file that are too large to be sent, largest first, at most some hundreds. */
  public List<HeldBackRow> heldBack() {
    return heldBackRows() == 0 ? List.of() : status.heldBack();
  }

  /** How much is kept beside the tables; cheap. */
  public AsideCounts asideCounts() {
    return status.read("count conflicts and held rows", AsideReader::counts);
  }

  /** What a ready node should tell besides: the application dropped Marmot's tables. */
  public Optional<String> dropped() {
    return memory.dropped().map(Warnings::dropped);
  }

  /** How the replicated tables are declared now. */
  public Declarations declarations() {
    return status.declarations();
  }

  /** How the file writes text: what the bytes of {@link dev.marmot.sqlite.SqliteValue.Text} are. */
  public Charset charset() {
    return status.charset();
  }

  @Override
  public OptionalLong heldSchema() {
    try {
      return writeSide.heldSchema();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the schema's version", e);
    }
  }

  /** Bounds the file's size as seen by the applier, as a full disk would. For tests. */
  void maxPages(int pages) throws SQLException {
    writeSide.maxPages(pages);
  }

  @Override
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    memory.dropped().ifPresent(time -> warnings.add(Warnings.dropped(time)));
    Warnings.keysWithNull(captureSide.keysWithNull(), warnings);
    Warnings.passedIndexes(writeSide.triggers().passedIndexes(), warnings);
    Warnings.largeKeys(captureSide.largeKeys(), warnings);
    Warnings.heldBack(heldBack(), options.maxRowBytes(), warnings);
    warnings.addAll(status.warnings());
    return List.copyOf(warnings);
  }

  @Override
  public void close() {
    if (watch != null) {
      watch.close();
    }
    try {
      try (writeSide;
          captureSide) {
        status.close();
      }
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("close the file", e);
    }
  }
}
