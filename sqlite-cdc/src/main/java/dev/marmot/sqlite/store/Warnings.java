package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.DatabaseSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Puts into words what the operator should know about a file. Pure functions. */
final class Warnings {
  private static final int MESSAGES_PER_KIND = 20;

  private Warnings() {}

  /** Changes by table whose key holds a NULL. */
  static void keysWithNull(Map<String, Long> changes, List<String> warnings) {
    changes.forEach(
        (table, count) ->
            warnings.add(
                "table "
                    + table
                    + ": "
                    + count
                    + " changes of rows with NULL in the primary key were not replicated;"
                    + " give the rows a key"));
  }

  /** Tables that were written past a damaged search index, and when that was needed last. */
  static void damagedIndexes(Map<String, Instant> tables, List<String> warnings) {
    tables.forEach(
        (table, last) ->
            warnings.add(
                "table "
                    + table
                    + ": the search index that its triggers keep is damaged here and misses rows, the"
                    + " last time at "
                    + last
                    + "; rebuild it, a full-text index with INSERT INTO name(name)"
                    + " VALUES('rebuild'); this warning ends with the next start"));
  }

  /** Tables that are not replicated, and rows that are held. */
  static List<String> of(Connection connection, DatabaseSchema schema) throws SQLException {
    List<String> warnings = new ArrayList<>();
    schema
        .refused()
        .forEach(
            table ->
                warnings.add("table " + table.table() + " is not replicated: " + table.reason()));
    try (Query held =
        new Query(
            connection,
            "SELECT tbl,reason,count(*) FROM main.__marmot_held GROUP BY 1,2 ORDER BY 3 DESC LIMIT "
                + MESSAGES_PER_KIND)) {
      held.forEach(
          row ->
              warnings.add(
                  "table "
                      + row.text(0)
                      + ": "
                      + row.number(2)
                      + " rows are held, "
                      + row.text(1)));
    }
    return warnings;
  }
}
