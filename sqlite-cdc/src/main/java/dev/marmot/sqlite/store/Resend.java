package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.hooks.HookSql;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Logs keys as if their rows had just been written, so that this node's rows, or that there are
 * none, go to all nodes by the ordinary way. Pure functions of a connection.
 *
 * <p>The keys are marked as if a foreign image had been kept away from them: then every node keeps
 * what it had there, where that was different, in its conflict log.
 */
final class Resend {
  private Resend() {}

  /** In a write transaction. Returns how many keys were logged; others have no table here. */
  static int log(Connection connection, DatabaseSchema schema, List<RowImage> rows)
      throws SQLException {
    int logged = 0;
    for (TableSchema table : schema.tables().values()) {
      if (table.id() > 0) {
        logged += log(connection, table, schema.encoding(), rows);
      }
    }
    return logged;
  }

  private static int log(
      Connection connection, TableSchema table, String encoding, List<RowImage> rows)
      throws SQLException {
    int arity = TableReader.keyArity(table);
    String columns =
        IntStream.range(0, arity).mapToObj(i -> ",k" + i).collect(Collectors.joining());
    CanonicalKey keys = new CanonicalKey(table, encoding);
    int logged = 0;
    try (CastQuery insert =
            new CastQuery(
                connection,
                p ->
                    "INSERT INTO main.__marmot_change_log(tbl"
                        + columns
                        + ") VALUES("
                        + (HookSql.RESENT + table.id())
                        + IntStream.rangeClosed(1, arity)
                            .mapToObj(i -> "," + p.at(i))
                            .collect(Collectors.joining())
                        + ")");
        Query skip =
            new Query(connection, "INSERT OR IGNORE INTO main.__marmot_skipped VALUES(?1,?2)")) {
      for (RowImage image : rows) {
        boolean mine = Sql.fold(image.table()).equals(Sql.fold(table.name()));
        if (mine && image.key().size() == arity && !image.key().contains(SqliteValue.Null.NULL)) {
          insert.bind(image.key()).update();
          skip.bind(1, Sql.fold(table.name())).bind(2, keys.encode(image.key())).update();
          logged++;
        }
      }
    }
    return logged;
  }
}
