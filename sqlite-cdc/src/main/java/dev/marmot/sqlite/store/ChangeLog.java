package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads the change log through one connection. Confined to the thread of that connection. */
final class ChangeLog implements AutoCloseable {
  private final Query tail;

  private ChangeLog(Query tail) {
    this.tail = tail;
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
    return new ChangeLog(
        new Query(
            connection,
            "SELECT seq,tbl" + keys + " FROM main.__marmot_change_log WHERE seq>?1 ORDER BY seq"));
  }

  /** Rows after a row, in order, until the visitor has enough. */
  void tail(long after, Visitor visitor) throws SQLException {
    tail.bind(1, after)
        .whileTrue(row -> visitor.visit(row.number(0), Math.abs(row.number(1)), row));
  }

  /** Whether an INSERT made this row of the log: its table's number is negative. */
  static boolean inserted(Query.Row row) throws SQLException {
    return row.number(1) < 0;
  }

  List<SqliteValue> key(Query.Row row, int arity) throws SQLException {
    return row.values(2, arity);
  }

  @Override
  public void close() throws SQLException {
    tail.close();
  }

  /** Looks at one row; says whether it wants more. */
  interface Visitor {
    boolean visit(long seq, long table, Query.Row row) throws SQLException;
  }
}
