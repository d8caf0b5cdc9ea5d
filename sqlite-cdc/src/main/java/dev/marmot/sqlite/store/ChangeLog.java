package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.hooks.HookSql;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads the change log through one connection. Confined to the thread of that connection. */
final class ChangeLog implements AutoCloseable {
  private final Query tail;
  private final Query one;

  private ChangeLog(Query tail, Query one) {
    this.tail = tail;
    this.one = one;
  }

  /** Prepares for the log's present width: it has as many key columns as the widest key. */
  static ChangeLog open(Connection connection) throws SQLException {
    int width;
    try (Query query =
        new Query(
            connection, "SELECT count(*)-2 FROM pragma_table_info('__marmot_change_log','main')")) {
      width = (int) query.number(0);
    }
    String keys = IntStream.range(0, width).mapToObj(i -> ",k" + i).collect(Collectors.joining());
    String select = "SELECT seq,tbl" + keys + " FROM main.__marmot_change_log WHERE seq";
    return new ChangeLog(
        new Query(connection, select + ">?1 ORDER BY seq"), new Query(connection, select + "=?1"));
  }

  /** Rows after a row, in order, until the visitor has enough. */
  void tail(long after, Visitor visitor) throws SQLException {
    tail.bind(1, after)
        .whileTrue(
            row -> visitor.visit(row.number(0), Math.abs(row.number(1)) % HookSql.RESENT, row));
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
  }

  /** Looks at one row; says whether it wants more. */
  interface Visitor {
    boolean visit(long seq, long table, Query.Row row) throws SQLException;
  }
}
