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
 * Confined to the origin thread, except for {@link #keysWithNull} and {@link #seqFloor}.
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
  private final Query newestSeq;
  private final Map<String, Long> keysWithNull = new ConcurrentHashMap<>();
  private volatile long seqFloor;

  private CaptureSide(Connection connection, Hooks hooks, BookkeepingMemory memory)
      throws SQLException {
    this.connection = connection;
    this.memory = memory;
    this.begin = new Query(connection, "BEGIN");
    this.end = new Query(connection, "ROLLBACK");
    this.tracker = SchemaTracker.open(connection, hooks, memory, CaptureTable::new, true);
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
    this.base = new Query(connection, "SELECT position FROM main.__marmot_state WHERE id=0");
  }

  static CaptureSide open(Connection connection, Hooks hooks, BookkeepingMemory memory)
      throws SQLException {
    return new CaptureSide(connection, hooks, memory);
  }

  /** Rows by table whose key holds a NULL, so that they identify no row and cannot travel. */
  Map<String, Long> keysWithNull() {
    return Map.copyOf(keysWithNull);
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
    Tail tail = new Tail(limits.rows());
    tracker.changeLog().tail(afterSeq, tail::add);
    if (tail.newest == 0) {
      return Optional.empty();
    }
    seqFloor = Math.max(seqFloor, tail.newest);
    memory.seen(tail.newest);
    boolean kept = anyKeptAway.number(0) != 0;
    List<RowImage> rows = new ArrayList<>(tail.changed.size());
    long bytes = 0;
    long maxSeq = 0;
    boolean complete = tail.complete;
    for (Map.Entry<RowKey, Changed> entry : tail.changed.entrySet()) {
      Changed changed = entry.getValue();
      long hash = changed.table.keyHash(entry.getKey());
      boolean over = kept && keptAway(entry.getKey(), hash);
      RowImage image = changed.table.image(changed, hash, over);
      bytes += Slicer.rawBytes(image);
      if (bytes > limits.bytes() && !rows.isEmpty()) {
        complete = false;
        return Optional.of(changes(rows, maxSeq, state, complete));
      }
      rows.add(image);
      maxSeq = changed.seq;
    }
    return Optional.of(changes(rows, tail.newest, state, complete));
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
    connection.close();
  }

  /** The changed keys of the log's tail, each once, by the newest change. */
  private final class Tail {
    private final int maxKeys;
    private final Map<RowKey, Changed> changed = new LinkedHashMap<>();
    private long newest;
    private boolean complete = true;

    private Tail(int maxKeys) {
      this.maxKeys = maxKeys;
    }

    private boolean add(long seq, long id, Query.Row row) throws SQLException {
      CaptureTable table = tracker.tables().withId(id);
      if (table != null) {
        List<SqliteValue> key = tracker.changeLog().key(row, table.keyArity());
        if (key.contains(SqliteValue.Null.NULL)) {
          keysWithNull.merge(table.name(), 1L, Long::sum);
        } else {
          RowKey rowKey = table.rowKey(key);
          // A later change moves the key to the end; the first one tells whether the row is new.
          Changed before = changed.remove(rowKey);
          if (before == null && changed.size() >= maxKeys) {
            complete = false;
            return false;
          }
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

    CaptureTable(Connection connection, TableSchema schema, String encoding) {
      this.schema = schema;
      this.shape = schema.shape();
      this.keys = new CanonicalKey(schema, encoding);
      this.reader = new TableReader(connection, schema);
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

    /** The row as it stands, or a tombstone. */
    RowImage image(Changed changed, long hash, boolean over) throws SQLException {
      @Nullable StoredRow row = reader.find(changed.key);
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
