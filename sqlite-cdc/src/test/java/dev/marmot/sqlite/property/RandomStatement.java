package dev.marmot.sqlite.property;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Random statements for a schema. Confined to one thread. */
final class RandomStatement {
  private final Dice dice;
  private final RandomSchema schema;
  private final boolean vacuum;
  private final String scan;

  RandomStatement(Dice dice, RandomSchema schema, boolean twin) {
    this.dice = dice;
    // VACUUM renumbers the rows of key-less tables, but not of those with hooks.
    this.vacuum = !twin || schema.tables.stream().noneMatch(table -> table.rowidKey);
    // Through an index, an UPDATE without triggers visits rows in the order of the index, and one
    // with
    // triggers in the order of the table; the result may depend on that.
    this.scan = twin ? " NOT INDEXED" : "";
    this.schema = schema;
  }

  /** One statement, or the statements of one transaction. */
  List<String> next() {
    if (!dice.oneIn(8)) {
      return List.of(dice.oneIn(30) ? rare() : write());
    }
    List<String> all = new ArrayList<>();
    all.add(dice.pick("BEGIN", "BEGIN IMMEDIATE"));
    int count = 1 + dice.below(4);
    for (int i = 0; i < count; i++) {
      if (dice.oneIn(5)) {
        all.add(dice.pick("SAVEPOINT s", "RELEASE s", "ROLLBACK TO s"));
      }
      all.add(write());
    }
    all.add(dice.pick("COMMIT", "COMMIT", "COMMIT", "ROLLBACK"));
    return all;
  }

  private String rare() {
    if (vacuum && dice.oneIn(3)) {
      return "VACUUM";
    }
    return schema.searches.isEmpty()
        ? "PRAGMA recursive_triggers=" + dice.pick("ON", "OFF")
        : "REINDEX";
  }

  private String write() {
    if (!schema.views.isEmpty() && dice.oneIn(8)) {
      return dice.pick(
          "INSERT INTO v VALUES(" + dice.key() + "," + dice.value() + ")",
          "UPDATE v SET c=" + dice.value() + " WHERE k=" + dice.key(),
          "DELETE FROM v WHERE k=" + dice.key());
    }
    RandomTable table = dice.of(schema.tables);
    if (dice.oneIn(12)) {
      // Values move from row to row: a replica must make room before it writes.
      String column = dice.of(table.stored);
      return "UPDATE OR REPLACE "
          + table.name
          + scan
          + " SET "
          + column
          + "="
          + column
          + dice.pick("+1", "-1", "||'x'")
          + where(table);
    }
    return switch (dice.below(12)) {
      case 0, 1, 2, 3, 4 -> insert(table);
      case 5 -> insertSelect(table);
      case 6, 7, 8 -> update(table);
      case 9 -> upsert(table);
      case 10 -> "DELETE FROM " + table.name + scan + where(table) + returning(table);
      default -> dice.oneIn(4) ? "DELETE FROM " + table.name : update(table);
    };
  }

  private String insert(RandomTable table) {
    if (dice.oneIn(15)) {
      return "INSERT" + or() + " INTO " + table.name + " DEFAULT VALUES" + returning(table);
    }
    return dice.pick("INSERT" + or(), "INSERT" + or(), "REPLACE")
        + values(table, 1 + dice.below(3))
        + returning(table);
  }

  private String values(RandomTable table, int rows) {
    boolean rowid = table.hasRowid && !table.columns.contains("oid") && dice.oneIn(8);
    int given = dice.oneIn(4) ? 1 + dice.below(table.stored.size()) : table.stored.size();
    String values =
        IntStream.range(0, rows)
            .mapToObj(
                row ->
                    "("
                        + (rowid ? dice.below(5) + "," : "")
                        + IntStream.range(0, given)
                            .mapToObj(i -> i == 0 ? dice.key() : dice.value())
                            .collect(Collectors.joining(","))
                        + ")")
            .collect(Collectors.joining(","));
    return " INTO "
        + table.name
        + "("
        + (rowid ? "rowid," : "")
        + String.join(",", table.stored.subList(0, given))
        + ") VALUES"
        + values;
  }

  private String insertSelect(RandomTable table) {
    RandomTable from = dice.of(schema.tables);
    String select =
        IntStream.range(0, table.stored.size())
            .mapToObj(
                i ->
                    dice.oneIn(3)
                        ? dice.key()
                        : dice.of(from.columns) + dice.pick("", "", "+1", "||'a'"))
            .collect(Collectors.joining(","));
    return "INSERT"
        + or()
        + " INTO "
        + table.name
        + "("
        + String.join(",", table.stored)
        + ") SELECT "
        + select
        + " FROM "
        + from.name
        + " ORDER BY "
        + from.stored.stream().map(c -> "quote(" + c + ")").collect(Collectors.joining(","))
        + " LIMIT 4"
        + returning(table);
  }

  private String update(RandomTable table) {
    StringBuilder sql =
        new StringBuilder("UPDATE")
            .append(or())
            .append(' ')
            .append(table.name)
            .append(scan)
            .append(" SET ");
    int count = 1 + dice.below(2);
    for (int i = 0; i < count; i++) {
      String column = table.stored.get(dice.below(table.stored.size()));
      sql.append(i == 0 ? "" : ", ").append(column).append('=').append(assigned(table, column));
    }
    if (table.hasRowid && !table.columns.contains("oid") && dice.oneIn(15)) {
      sql.append(", rowid=").append(dice.pick("rowid+1", "3", "rowid+10"));
    }
    return sql + where(table) + returning(table);
  }

  private String assigned(RandomTable table, String column) {
    return dice.pick(dice.value(), dice.value(), column, column + "+1", dice.of(table.columns));
  }

  private String upsert(RandomTable table) {
    String target =
        table.targets.isEmpty() || dice.oneIn(4) ? "" : "(" + dice.of(table.targets) + ")";
    String column = dice.of(table.stored);
    String action =
        target.isEmpty() && dice.oneIn(2)
            ? "NOTHING"
            : "UPDATE SET "
                + column
                + "="
                + dice.pick("excluded." + column, dice.value(), table.name + "." + column + "+1")
                + dice.pick("", "", " WHERE excluded.k<>2");
    return "INSERT"
        + values(table, 1 + dice.below(2))
        + " ON CONFLICT"
        + target
        + " DO "
        + action
        + returning(table);
  }

  private String where(RandomTable table) {
    return dice.pick(
        " WHERE k=" + dice.key(),
        " WHERE k=" + dice.key(),
        " WHERE " + dice.of(table.columns) + "=" + dice.value(),
        " WHERE " + dice.of(table.columns) + ">" + dice.value(),
        " WHERE k IN (1,2,'a','b')",
        "");
  }

  private String returning(RandomTable table) {
    return dice.oneIn(5)
        ? " RETURNING "
            + table.columns.stream().map(c -> "quote(" + c + ")").collect(Collectors.joining(","))
        : "";
  }

  private String or() {
    return dice.pick(
        "",
        "",
        " OR REPLACE",
        " OR REPLACE",
        " OR IGNORE",
        " OR FAIL",
        " OR ABORT",
        " OR ROLLBACK");
  }
}
