package dev.marmot.sqlite.property;

import java.util.ArrayList;
import java.util.List;

/** One random table with its indexes. Immutable once made. */
final class RandomTable {
  private static final List<String> COLUMNS =
      List.of("a", "\"a b\"", "\"order\"", "\"x\"\"y\"", "é", "oid", "b", "[c]", "WHEN_");

  final String name;
  final List<String> ddl = new ArrayList<>();
  final List<String> columns = new ArrayList<>();
  final List<String> stored = new ArrayList<>();
  final List<String> targets = new ArrayList<>();
  final boolean rowidKey;
  final boolean hasRowid;
  private final Dice dice;
  private final boolean strict;
  private final boolean alias;

  RandomTable(Dice dice, String name, List<RandomTable> parents) {
    this.dice = dice;
    this.name = name;
    this.strict = dice.oneIn(5);
    List<String> parts = new ArrayList<>();
    int kind = dice.below(9);
    this.alias = kind < 2;
    boolean composite = kind == 5 || kind == 7;
    this.rowidKey = kind == 8;
    boolean without = kind == 6 || kind == 7;
    this.hasRowid = !without;
    column(parts, "k", keyColumn(kind));
    int more = 1 + dice.below(4);
    int first = dice.below(COLUMNS.size());
    for (int i = 0; i < more; i++) {
      String column = COLUMNS.get((first + i) % COLUMNS.size());
      column(parts, column, i == 0 && composite ? type() + " NOT NULL" : plainColumn(parents));
    }
    if (dice.oneIn(4)) {
      generated(parts, "g");
    }
    if (composite) {
      parts.add("PRIMARY KEY(k" + dice.pick("", " COLLATE NOCASE") + ", " + stored.get(1) + ")");
    } else if (!rowidKey) {
      targets.add("k");
    }
    if (dice.oneIn(6)) {
      parts.add("CHECK(typeof(" + stored.get(1) + ")<>'real')");
    }
    String options =
        (strict ? "STRICT" : "") + (without ? (strict ? "," : "") + "WITHOUT ROWID" : "");
    ddl.add("CREATE TABLE " + name + "(" + String.join(", ", parts) + ")" + options);
    indexes();
  }

  /** Whether other tables may refer to k. */
  boolean hasKeyK() {
    return targets.contains("k");
  }

  /** Whether k is the rowid. */
  boolean rowidAlias() {
    return alias;
  }

  private String keyColumn(int kind) {
    String clause = dice.oneIn(6) ? " ON CONFLICT " + conflict() : "";
    String collate = dice.pick("", " COLLATE NOCASE", " COLLATE RTRIM");
    return switch (kind) {
      case 0 -> "INTEGER PRIMARY KEY" + clause;
      case 1 -> "INTEGER PRIMARY KEY AUTOINCREMENT";
      case 2 -> "INTEGER NOT NULL PRIMARY KEY DESC" + clause;
      case 3 -> "INT NOT NULL PRIMARY KEY" + clause;
      case 4, 6 -> type() + collate + " NOT NULL PRIMARY KEY" + clause;
      case 5, 7 -> type() + collate + " NOT NULL";
      default -> type() + collate;
    };
  }

  private String plainColumn(List<RandomTable> parents) {
    StringBuilder text = new StringBuilder(type());
    text.append(dice.pick("", "", " COLLATE NOCASE"));
    if (dice.oneIn(6)) {
      text.append(" NOT NULL").append(dice.pick("", " ON CONFLICT IGNORE", " ON CONFLICT REPLACE"));
    }
    if (dice.oneIn(4)) {
      text.append(" DEFAULT ").append(strict ? "NULL" : dice.pick("5", "'d'", "(1+2)", "NULL"));
    }
    if (dice.oneIn(5)) {
      text.append(" UNIQUE");
      if (dice.oneIn(3)) {
        text.append(" ON CONFLICT ").append(conflict());
      }
    }
    if (!parents.isEmpty() && dice.oneIn(4)) {
      RandomTable parent = dice.of(parents);
      if (parent.hasKeyK()) {
        text.append(" REFERENCES ").append(parent.name).append("(k)");
        text.append(dice.pick("", " ON DELETE " + action()))
            .append(dice.pick("", " ON UPDATE " + action()));
        text.append(dice.pick("", " DEFERRABLE INITIALLY DEFERRED"));
      }
    }
    return text.toString();
  }

  private void generated(List<String> parts, String column) {
    String from = stored.get(dice.below(stored.size()));
    columns.add(column);
    parts.add(
        column
            + (strict ? " ANY" : dice.pick("", " TEXT", " INT"))
            + " AS ("
            + dice.pick(from + "||'g'", "typeof(" + from + ")", from)
            + ")"
            + dice.pick("", " STORED")
            + (dice.oneIn(2) ? " UNIQUE" : ""));
  }

  private void column(List<String> parts, String column, String definition) {
    parts.add(column + " " + definition);
    columns.add(column);
    stored.add(column);
    if (definition.contains("UNIQUE")) {
      targets.add(column);
    }
  }

  private void indexes() {
    String bare = name.replaceAll("[^a-z]", "");
    for (int i = 0; i < 2; i++) {
      if (dice.oneIn(3)) {
        if (dice.oneIn(5)) {
          // The expression fails for rows that the index leaves out.
          String column = dice.of(columns);
          ddl.add(
              "CREATE UNIQUE INDEX j"
                  + bare
                  + i
                  + " ON "
                  + name
                  + "(json_extract("
                  + column
                  + ",'$.a')) WHERE json_valid("
                  + column
                  + ")");
        }
        String terms =
            dice.of(columns)
                + dice.pick("", "", " COLLATE NOCASE", " COLLATE RTRIM", " DESC")
                + (dice.oneIn(3) ? ", " + expression() : "");
        if (dice.oneIn(4)) {
          terms = expression();
        }
        ddl.add(
            "CREATE "
                + dice.pick("UNIQUE ", "UNIQUE ", "")
                + "INDEX i"
                + bare
                + i
                + " ON "
                + name
                + "("
                + terms
                + ")"
                + (dice.oneIn(3) ? " WHERE " + condition() : ""));
      }
    }
  }

  private String expression() {
    String column = dice.of(columns);
    return dice.pick(
        "lower(" + column + ")",
        "typeof(" + column + ")",
        column + "||" + dice.of(columns),
        "substr(" + column + ",1,1) COLLATE NOCASE",
        "CASE WHEN json_valid(" + column + ") THEN json_extract(" + column + ",'$') END");
  }

  private String condition() {
    String column = dice.of(columns);
    return dice.pick(
        column + " IS NOT NULL",
        column + "=1",
        column + " > '0'",
        "typeof(" + column + ")='text'",
        column + " IN (1,'a',x'61')");
  }

  private String type() {
    return strict
        ? dice.pick("INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY", "ANY")
        : dice.pick("", "", "TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC", "VARCHAR(5)");
  }

  private String conflict() {
    return dice.pick("REPLACE", "REPLACE", "IGNORE", "FAIL", "ROLLBACK", "ABORT");
  }

  private String action() {
    return dice.pick("CASCADE", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION");
  }
}
