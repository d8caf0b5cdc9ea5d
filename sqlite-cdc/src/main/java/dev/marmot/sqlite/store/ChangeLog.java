package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.hooks.HookSql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads the change log through one connection. Confined to the thread of that connection. */
final class ChangeLog implements AutoCloseable {
  private final Query tail;
  private final Query one;
  private final Query heldBack;
  private final int width;

  private ChangeLog(Query tail, Query one, Query heldBack, int width) {
    this.tail = tail;
    this.one = one;
    this.heldBack = heldBack;
    this.width = width;
  }

  /** Prepares for the log's present width: it has as many key columns as the widest key. */
  static ChangeLog open(Connection connection) throws SQLException {
    int width;
    try (Query query =
        new Query(
            connection, "SELECT count(*)-2 FROM pragma_table_info('__marmot_change_log','main')")) {
      width = (int) query.number(0);
    }
    String keys =
        IntStream.range(0, width)
            .mapToObj(
                i ->
                    ",CASE WHEN octet_length(k%1$d)>%2$d THEN NULL ELSE k%1$d END"
                        .formatted(i, TableReader.MOST_KEY_BYTES))
            .collect(Collectors.joining());
    String large =
        IntStream.range(0, width)
            .mapToObj(i -> "octet_length(k%d)>%d".formatted(i, TableReader.MOST_KEY_BYTES))
            .collect(Collectors.joining(" OR "));
    String select =
        "SELECT seq,tbl" + keys + ",(" + large + ") FROM main.__marmot_change_log WHERE seq";
    return new ChangeLog(
        new Query(connection, select + ">?1 ORDER BY seq"),
        new Query(connection, select + "=?1"),
        new Query(
            connection, select + " IN (SELECT seq FROM main.__marmot_held_back) ORDER BY seq"),
        width);
  }

  /** Rows whose keys were passed over because their rows are too large to be sent, in order. */
  void heldBack(Visitor visitor) throws SQLException {
    heldBack.whileTrue(row -> visitor.visit(row.number(0), table(row), row));
  }

  /** Moves the rows that were held back to the end of the log, to be looked at again. */
  static void logAgain(Connection connection) throws SQLException {
    try (Query keys =
            new Query(
                connection,
                "SELECT group_concat(name,',') FROM"
                    + " pragma_table_info('__marmot_change_log','main') WHERE cid>1");
        Statement statement = connection.createStatement()) {
      List<String> columns = new ArrayList<>(1);
      keys.forEach(row -> columns.add(row.text(0)));
      String move =
          "INSERT INTO main.__marmot_change_log(tbl,%1$s) SELECT tbl,%1$s FROM main.__marmot_change_log WHERE seq IN (SELECT seq FROM main.__marmot_held_back) ORDER BY seq"
              .formatted(columns.get(0));
      var unused =
          Waiting.immediately(
              connection,
              "look again at rows that were too large",
              () -> {
                statement.execute(move);
                statement.execute("DELETE FROM main.__marmot_held_back");
                return true;
              });
    }
  }

  /** Whether a part of the key is too large to be kept, and so was read as NULL. */
  boolean largeKey(Query.Row row) throws SQLException {
    return row.number(2 + width) != 0;
  }

  /** Rows after a row, in order, until the visitor has enough. */
  void tail(long after, Visitor visitor) throws SQLException {
    tail.bind(1, after).whileTrue(row -> visitor.visit(row.number(0), table(row), row));
  }

  private static long table(Query.Row row) throws SQLException {
    return Math.abs(row.number(1)) % HookSql.RESENT;
  }

  /** Whether an INSERT made this row of the log: its table's number is negative. */
  static boolean inserted(Query.Row row) throws SQLException {
    return row.number(1) < 0;
  }

  /** Whether Marmot made this row of the log to send a row that was there. */
  static boolean resent(Query.Row row) throws SQLException {
    return row.number(1) >= HookSql.RESENT;
  }

  /** The key that one row of the log names. */
  List<SqliteValue> keyAt(long seq, int arity) throws SQLException {
    List<List<SqliteValue>> found = new ArrayList<>(1);
    one.bind(1, seq).forEach(row -> found.add(key(row, arity)));
    if (found.isEmpty()) {
      throw new SQLException("the change log has no row " + seq + " any more");
    }
    return found.get(0);
  }

  List<SqliteValue> key(Query.Row row, int arity) throws SQLException {
    return row.values(2, arity);
  }

  @Override
  public void close() throws SQLException {
    tail.close();
    one.close();
    heldBack.close();
  }

  /** Looks at one row; says whether it wants more. */
  interface Visitor {
    boolean visit(long seq, long table, Query.Row row) throws SQLException;
  }
}
