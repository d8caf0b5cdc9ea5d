package dev.marmot.sqlite.store;

import com.dynatrace.hash4j.hashing.Hashing;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * How a file declares the columns of its replicated tables. Where files differ in that, SQLite
 * converts values on one node and not on the other. Immutable.
 *
 * @param tables folded table name to folded column name to declaration
 */
public record Declarations(Map<String, Map<String, String>> tables) {
  private static final int MOST = 20;

  public Declarations {
    tables = Map.copyOf(tables);
  }

  static Declarations read(Connection connection, DatabaseSchema schema) throws SQLException {
    Map<String, Map<String, String>> tables = new TreeMap<>();
    for (TableSchema table : schema.tables().values()) {
      tables.put(Sql.fold(table.name()), new TreeMap<>());
    }
    try (Query columns =
        new Query(
            connection,
            "SELECT t.name, c.name, c.type, c.\"notnull\", c.pk, c.hidden, t.strict"
                + " FROM pragma_table_list AS t, pragma_table_xinfo(t.name,'main') AS c"
                + " WHERE t.schema='main' AND t.type='table'")) {
      columns.forEach(
          row -> {
            Map<String, String> table = tables.get(Sql.fold(row.text(0)));
            if (table != null) {
              table.put(Sql.fold(row.text(1)), declaration(row));
            }
          });
    }
    return new Declarations(tables);
  }

  private static String declaration(Query.Row row) throws SQLException {
    String type = row.text(2).strip().replaceAll("\\s+", " ").toUpperCase(Locale.ROOT);
    return (type.isEmpty() ? "without a type" : type)
        + (row.number(3) != 0 ? " NOT NULL" : "")
        + (row.number(4) != 0 ? " PRIMARY KEY " + row.number(4) : "")
        + (row.number(5) > 1 ? " GENERATED" : "")
        + (row.number(6) != 0 ? " STRICT" : "");
  }

  /** Equal exactly for equal declarations. */
  public String digest() {
    Map<String, Map<String, String>> sorted = new TreeMap<>();
    tables.forEach((name, columns) -> sorted.put(name, new TreeMap<>(columns)));
    return Hashing.xxh3_128().hashCharsTo128Bits(sorted.toString()).toString();
  }

  /**
   * In words, one by one, how another node's file is declared otherwise.
   *
   * @param other what the other node is called
   */
  public List<String> differences(Declarations theirs, String other) {
    List<String> differences = new ArrayList<>();
    for (String table : union(tables, theirs.tables)) {
      Map<String, String> mine = tables.get(table);
      Map<String, String> others = theirs.tables.get(table);
      if (mine == null || others == null) {
        differences.add(
            "table %s replicates %s and not %s: rows for it are held where it does not"
                .formatted(
                    table,
                    mine == null ? "on " + other : "here",
                    mine == null ? "here" : "on " + other));
        continue;
      }
      for (String column : union(mine, others)) {
        String here = mine.getOrDefault(column, "missing");
        String there = others.getOrDefault(column, "missing");
        if (!here.equals(there)) {
          differences.add(
              ("table %s: column %s is %s here and %s on %s: values may change on their way or be"
                      + " held; make the declarations equal")
                  .formatted(table, column, here, there, other));
        }
      }
    }
    return differences.size() <= MOST ? differences : more(differences);
  }

  private static List<String> more(List<String> differences) {
    List<String> some = new ArrayList<>(differences.subList(0, MOST));
    some.add((differences.size() - MOST) + " more declarations differ");
    return some;
  }

  private static TreeSet<String> union(Map<String, ?> one, Map<String, ?> two) {
    TreeSet<String> names = new TreeSet<>(one.keySet());
    names.addAll(two.keySet());
    return names;
  }
}
