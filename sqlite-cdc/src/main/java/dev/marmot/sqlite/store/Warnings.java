package dev.marmot.sqlite.store;

import static java.util.stream.Collectors.toList;

import dev.marmot.sqlite.HeldBackRow;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import dev.marmot.sqlite.store.TriggerSuspension.Passed;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Puts into words what the operator should know about a file. Pure functions. */
final class Warnings {
  private static final int MESSAGES_PER_KIND = 20;

  private Warnings() {}

  /** The application dropped our tables. */
  static String dropped(Instant time) {
    return "the application dropped Marmot's tables at "
        + time
        + ": they are made again, and every row of this file was sent to the other nodes; rows of"
        + " tables that it dropped with them are still there on the other nodes, and what was held"
        + " here and the conflict log of this node are gone. Compare with marmot verify; to take the"
        + " cluster's rows instead, stop this node and start it with --adopt; this warning ends with"
        + " the next start";
  }

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

  /** Changes by table whose key is too large. */
  static void largeKeys(Map<String, Long> changes, List<String> warnings) {
    changes.forEach(
        (table, count) ->
            warnings.add(
                "table %s: %d changes of rows with more than %d bytes in a column of the key were not replicated; give the rows a shorter key"
                    .formatted(table, count, TableReader.MOST_KEY_BYTES)));
  }

  /** Rows that are too large to be sent. */
  static void heldBack(List<HeldBackRow> rows, long maxRowBytes, List<String> warnings) {
    Map<String, List<HeldBackRow>> tables =
        rows.stream().collect(Collectors.groupingBy(r -> r.key().table(), TreeMap::new, toList()));
    tables.forEach(
        (table, in) ->
            warnings.add(
                "table %s: %d rows are not sent to the other nodes, which keep what they had: the largest has %d bytes, and more than --max-row-bytes=%d are not sent; make them smaller, or set more (with more heap) on all nodes"
                    .formatted(table, in.size(), in.get(0).bytes(), maxRowBytes)));
  }

  /** Tables that were written past their search index. */
  static void passedIndexes(Map<String, Passed> tables, List<String> warnings) {
    tables.forEach(
        (table, last) ->
            warnings.add(
                "table "
                    + table
                    + ": the search index that its triggers keep refuses rows here ("
                    + last.reason()
                    + ") and misses them, the last time at "
                    + last.time()
                    + "; the table has them. Rebuild the index, a full-text index with INSERT INTO"
                    + " name(name) VALUES('rebuild'); this warning ends with the next start"));
  }

  /** Tables that are not replicated, and rows that are held. */
  static List<String> of(Connection connection, DatabaseSchema schema) throws SQLException {
    List<String> warnings = new ArrayList<>();
    schema
        .refused()
        .forEach(
            table ->
                warnings.add("table " + table.table() + " is not replicated: " + table.reason()));
    for (TableSchema table : schema.tables().values()) {
      for (UserTrigger trigger : table.userTriggers()) {
        trigger
            .cautions()
            .forEach(
                caution ->
                    warnings.add(
                        "table "
                            + table.name()
                            + ": its trigger "
                            + trigger.name()
                            + " "
                            + caution));
      }
    }
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
