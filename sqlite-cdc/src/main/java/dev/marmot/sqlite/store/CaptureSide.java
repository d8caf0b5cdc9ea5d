package dev.marmot.sqlite.store;

import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import dev.marmot.sqlite.codec.Slicer;
import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The capture connection: reads the log's tail and the rows behind it in one read transaction.
 * Confined to the origin thread, except for what says so.
 */
final class CaptureSide implements AutoCloseable {
  private final Connection connection;
  private final BookkeepingMemory memory;
  private final Query begin;
  private final Query end;
  private final SchemaTracker<CaptureTable> tracker;
  private final Query anyKeptAway;
  private final Query keptAway;
  private final Query base;
  private final SetBackCheck setBack;
  private final Query newestSeq;
  private final HeldBack heldBack;
  private final List<HeldBack.Entry> tooLarge = new ArrayList<>();
  private final List<HeldBack.Entry> fits = new ArrayList<>();
  private final Map<String, Long> keysWithNull = new ConcurrentHashMap<>();
  private final Map<String, Long> largeKeys = new ConcurrentHashMap<>();
  private volatile long seqFloor;

  private CaptureSide(
      Connection connection, Hooks hooks, BookkeepingMemory memory, StoreOptions options)
      throws SQLException {
    this.connection = connection;
    this.memory = memory;
    this.begin = new Query(connection, "BEGIN");
    this.end = new Query(connection, "ROLLBACK");
    this.tracker =
        SchemaTracker.open(
            connection,
            hooks,
            memory,
            (on, table, encoding) -> new CaptureTable(on, table, encoding, options.maxRowBytes()),
            true);
    this.heldBack = HeldBack.open(connection, options.clock());
    this.anyKeptAway =
        new Query(
            connection,
            "SELECT EXISTS(SELECT 1 FROM main.__marmot_skipped)"
                + " OR EXISTS(SELECT 1 FROM main.__marmot_parked)"
                + " OR EXISTS(SELECT 1 FROM main.__marmot_held)");
    this.keptAway =
        new Query(
            connection,
            "SELECT EXISTS(SELECT 1 FROM main.__marmot_skipped WHERE tbl=?1 AND k=?2)"
                + " OR EXISTS(SELECT 1 FROM main.__marmot_parked WHERE tbl=?1 AND k=?2)"
                + " OR EXISTS(SELECT 1 FROM main.__marmot_held WHERE tbl=?1 AND k=?3)");
    this.newestSeq = new Query(connection, "SELECT max(seq) FROM main.__marmot_change_log");
    this.setBack = new SetBackCheck(connection, memory);
    this.base = new Query(connection, "SELECT position FROM main.__marmot_state WHERE id=0");
  }

  static CaptureSide open(
      Connection connection, Hooks hooks, BookkeepingMemory memory, StoreOptions options)
      throws SQLException {
    return new CaptureSide(connection, hooks, memory, options);
  }

  /**
   * Changes by table whose key holds a NULL: they identify no row, and cannot travel. Thread-safe.
   */
  Map<String, Long> keysWithNull() {
    return Map.copyOf(keysWithNull);
  }

  /** Changes by table whose key is too large to be kept, so that they cannot travel. */
  Map<String, Long> largeKeys() {
    return Map.copyOf(largeKeys);
  }

  /** How many rows are too large to be sent. Thread-safe. */
  int heldBack() {
    return heldBack.count();
  }

  /** Newest row of the change log that was ever read. Thread-safe. */
  long seqFloor() {
    return seqFloor;
  }

  /**
   * Newest row of the change log. Completes the hooks first: the rows of a table that has just
   * appeared are in no log before.
   */
  long newestSeq() throws SQLException {
    if (!tracker.current()) {
      tracker.refresh(seqFloor);
    }
    return newestSeq.number(0);
  }

  Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits, ReplicaState state)
      throws SQLException {
    Optional<CapturedChanges> captured = readConsistently(afterSeq, limits, state);
    if (captured.isPresent()) {
      // Before anything is sent: what the change set covers, it makes the applier forget.
      heldBack.save(tooLarge, fits);
    }
    return captured;
  }

  private Optional<CapturedChanges> readConsistently(
      long afterSeq, CaptureLimits limits, ReplicaState state) throws SQLException {
    begin.update();
    boolean reading = true;
    try {
      while (!tracker.current()) {
        end.update();
        reading = false;
        tracker.refresh(seqFloor);
        begin.update();
        reading = true;
      }
      return read(afterSeq, limits, state);
    } finally {
      if (reading) {
        end.update();
      }
    }
  }

  private Optional<CapturedChanges> read(long afterSeq, CaptureLimits limits, ReplicaState state)
      throws SQLException {
    setBack.run(state, newestSeq.number(0), seqFloor);
    Tail tail = new Tail(limits);
    tracker.changeLog().tail(afterSeq, tail::add);
    if (tail.newest == 0) {
      return Optional.empty();
    }
    seqFloor = Math.max(seqFloor, tail.newest);
    memory.seen(tail.newest);
    boolean kept = anyKeptAway.number(0) != 0;
    List<RowImage> rows = new ArrayList<>(tail.changed.size());
    tooLarge.clear();
    fits.clear();
    boolean anyHeldBack = heldBack.any();
    long bytes = 0;
    long maxSeq = 0;
    boolean complete = tail.complete;
    for (Map.Entry<RowKey, Changed> entry : tail.changed.entrySet()) {
      Changed changed = entry.getValue();
      long hash = changed.table.keyHash(entry.getKey());
      boolean over = kept && keptAway(entry.getKey(), hash);
      StoredRow row = changed.table.find(changed);
      if (row != null && !row.whole()) {
        tooLarge.add(heldBack(entry.getKey(), changed, row.tooLarge()));
        maxSeq = changed.seq;
        continue;
      }
      RowImage image = changed.table.image(changed, row, hash, over);
      bytes += Slicer.rawBytes(image);
      if (bytes > limits.bytes() && !rows.isEmpty()) {
        complete = false;
        return Optional.of(changes(rows, maxSeq, state, complete));
      }
      rows.add(image);
      maxSeq = changed.seq;
      if (anyHeldBack) {
        fits.add(heldBack(entry.getKey(), changed, 0));
      }
    }
    return Optional.of(changes(rows, tail.newest, state, complete));
  }

  private static HeldBack.Entry heldBack(RowKey key, Changed changed, long bytes) {
    return new HeldBack.Entry(changed.table.schema.id(), key.canonical(), changed.seq, bytes);
  }

  private CapturedChanges changes(
      List<RowImage> rows, long maxSeq, ReplicaState state, boolean complete) throws SQLException {
    return new CapturedChanges(
        rows, maxSeq, base.number(-1), state.schemaVersion(), state.file(), complete);
  }

  private boolean keptAway(RowKey key, long hash) throws SQLException {
    return keptAway
            .bind(1, Sql.fold(key.table()))
            .bind(2, key.canonical())
            .bind(3, SetAside.heldKey(hash))
            .number(0)
        != 0;
  }

  @Override
  public void close() throws SQLException {
    heldBack.close();
    connection.close();
  }

  /** The changed keys of the log's tail, each once, by the newest change. */
  private final class Tail {
    private final CaptureLimits limits;
    private final Map<RowKey, Changed> changed = new LinkedHashMap<>();
    private long keyBytes;
    private long newest;
    private boolean complete = true;

    private Tail(CaptureLimits limits) {
      this.limits = limits;
    }

    private boolean add(long seq, long id, Query.Row row) throws SQLException {
      CaptureTable table = tracker.tables().withId(id);
      if (table != null) {
        List<SqliteValue> key = tracker.changeLog().key(row, table.keyArity());
        if (tracker.changeLog().largeKey(row)) {
          largeKeys.merge(table.name(), 1L, Long::sum);
        } else if (key.contains(SqliteValue.Null.NULL)) {
          keysWithNull.merge(table.name(), 1L, Long::sum);
        } else {
          RowKey rowKey = table.rowKey(key);
          // A later change moves the key to the end; the first one tells whether the row is new.
          Changed before = changed.remove(rowKey);
          if (before == null && (changed.size() >= limits.rows() || keyBytes > limits.bytes())) {
            complete = false;
            return false;
          }
          keyBytes += before == null ? rowKey.canonical().length : 0;
          boolean inserted = before == null ? ChangeLog.inserted(row) : before.inserted;
          boolean resent = ChangeLog.resent(row) && (before == null || before.resent);
          changed.put(rowKey, new Changed(table, key, seq, inserted, resent));
        }
      }
      newest = seq;
      return true;
    }
  }

  private record Changed(
      CaptureTable table, List<SqliteValue> key, long seq, boolean inserted, boolean resent) {}

  /** What the capture does with one table. */
  static final class CaptureTable implements AutoCloseable {
    private final TableSchema schema;
    private final TableShape shape;
    private final CanonicalKey keys;
    private final TableReader reader;

    CaptureTable(Connection connection, TableSchema schema, String encoding, long maxRowBytes) {
      this.schema = schema;
      this.shape = schema.shape();
      this.keys = new CanonicalKey(schema, encoding);
      this.reader = new TableReader(connection, schema, maxRowBytes);
    }

    String name() {
      return schema.name();
    }

    int keyArity() {
      return TableReader.keyArity(schema);
    }

    RowKey rowKey(List<SqliteValue> key) {
      return new RowKey(schema.name(), keys.encode(key));
    }

    long keyHash(RowKey key) {
      return keys.keyHash(key.canonical());
    }

    @Nullable StoredRow find(Changed changed) throws SQLException {
      return reader.find(changed.key);
    }

    /** The row as it stands, or a tombstone. */
    RowImage image(Changed changed, @Nullable StoredRow row, long hash, boolean over) {
      return row == null
          ? new RowImage(shape, changed.key, List.of(), true, over, hash)
          : new RowImage(
              shape, row.key(), row.values(), false, over, hash, changed.inserted, changed.resent);
    }

    @Override
    public void close() throws SQLException {
      reader.close();
    }
  }
}
