package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.OptionalLong;

/**
 * Keys of the change log that are not applied yet, with the newest log row of each. Confined to the
 * applier thread.
 *
 * <p>A TEMP table of the write connection: it may spill to disk, so its memory is bounded, and it
 * rolls back with the apply transaction. Each transaction adds what the log gained since the last.
 */
final class PendingKeys implements AutoCloseable {
  private final Query insert;
  private final Query select;
  private final Query settle;
  private final Query any;
  private final Query clear;
  private final Query all;
  private final Query settleUpTo;
  private long read;
  private long committedRead;
  private boolean empty = true;

  private PendingKeys(Connection connection) throws SQLException {
    insert = new Query(connection, "INSERT OR REPLACE INTO temp.__marmot_pending VALUES(?1,?2,?3)");
    select = new Query(connection, "SELECT seq FROM temp.__marmot_pending WHERE tbl=?1 AND k=?2");
    settle = new Query(connection, "DELETE FROM temp.__marmot_pending WHERE tbl=?1 AND k=?2");
    any = new Query(connection, "SELECT EXISTS(SELECT 1 FROM temp.__marmot_pending)");
    clear = new Query(connection, "DELETE FROM temp.__marmot_pending");
    all = new Query(connection, "SELECT tbl,k,seq FROM temp.__marmot_pending ORDER BY tbl,k");
    // A row that is too large to be sent is in no change set, whatever change sets cover.
    settleUpTo =
        new Query(
            connection,
            "DELETE FROM temp.__marmot_pending WHERE seq<=?1"
                + " AND seq NOT IN (SELECT seq FROM main.__marmot_held_back)");
  }

  static PendingKeys open(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TEMP TABLE __marmot_pending(tbl INTEGER, k BLOB, seq INTEGER,"
              + " PRIMARY KEY(tbl, k)) WITHOUT ROWID");
    }
    return new PendingKeys(connection);
  }

  /**
   * Forgets everything: the log will be read again from its beginning. Not in a transaction that
   * may roll back.
   */
  void restart() throws SQLException {
    clear.update();
    read = 0;
    committedRead = 0;
  }

  /** Newest row of the log that need not be read any more, with what is applied. */
  long readUpTo(long applied) {
    return Math.max(read, applied);
  }

  /** Adds what the log holds behind what was read, and behind what is applied already. */
  void readTail(ChangeLog log, TableSet<TableWriter> tables, long applied) throws SQLException {
    if (read == 0) {
      log.heldBack((seq, id, row) -> add(log, tables, seq, id, row));
    }
    log.tail(
        readUpTo(applied),
        (seq, id, row) -> {
          read = seq;
          return add(log, tables, seq, id, row);
        });
    empty = any.number(0) == 0;
  }

  private boolean add(ChangeLog log, TableSet<TableWriter> tables, long seq, long id, Query.Row row)
      throws SQLException {
    TableWriter table = tables.withId(id);
    if (table != null) {
      add(table, log.key(row, TableReader.keyArity(table.schema())), seq);
    }
    return true;
  }

  private void add(TableWriter table, List<SqliteValue> key, long seq) throws SQLException {
    // A key with a NULL identifies no row and cannot travel, so nothing will ever settle it.
    if (!key.contains(SqliteValue.Null.NULL)) {
      insert.bind(1, table.schema().id()).bind(2, table.keys().encode(key)).bind(3, seq).update();
    }
  }

  OptionalLong newestSeq(long table, byte[] key) throws SQLException {
    if (empty) {
      return OptionalLong.empty();
    }
    long seq = select.bind(1, table).bind(2, key).number(-1);
    return seq < 0 ? OptionalLong.empty() : OptionalLong.of(seq);
  }

  void settle(long table, byte[] key) throws SQLException {
    if (!empty) {
      settle.bind(1, table).bind(2, key).update();
    }
  }

  /** Settles all keys whose newest log row is not behind this one. */
  void settleUpTo(long seq) throws SQLException {
    if (!empty) {
      settleUpTo.bind(1, seq).update();
      empty = any.number(0) == 0;
    }
  }

  void forEach(Visitor visitor) throws SQLException {
    if (!empty) {
      all.forEach(row -> visitor.visit(row.number(0), row.bytes(1), row.number(2)));
    }
  }

  /** The log is deleted up to this row. What is left without a log row is nobody's any more. */
  void trimmed(long maxSeq) throws SQLException {
    if (maxSeq >= read) {
      settleUpTo(maxSeq);
    }
  }

  /** What was read stays read. Returns the newest row of the log that was. */
  long committed() {
    committedRead = read;
    return read;
  }

  void rolledBack() {
    read = committedRead;
  }

  @Override
  public void close() throws SQLException {
    for (Query query : List.of(insert, select, settle, any, clear, all, settleUpTo)) {
      query.close();
    }
  }

  /** Looks at one pending key; the sequence number is that of its newest log row. */
  interface Visitor {
    void visit(long table, byte[] key, long seq) throws SQLException;
  }
}
