package dev.marmot.node.cluster;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Every value of a SQLite file with its storage class, table by table. Immutable. */
record FileContents(Map<String, List<String>> tables) {
  static FileContents read(Path database) throws SQLException {
    Map<String, List<String>> tables = new TreeMap<>();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      for (String table : names(statement)) {
        tables.put(table, rows(statement, table));
      }
    }
    return new FileContents(tables);
  }

  private static List<String> names(Statement statement) throws SQLException {
    List<String> names = new ArrayList<>();
    try (ResultSet found =
        statement.executeQuery(
            // What a search index keeps in its shadow tables depends on the order of writes.
            "SELECT name FROM pragma_table_list WHERE schema='main' AND type='table' AND name NOT LIKE"
                + " 'sqlite\\_%' ESCAPE '\\' AND substr(name,1,9)<>'__marmot_' ORDER BY name")) {
      while (found.next()) {
        names.add(found.getString(1));
      }
    }
    return names;
  }

  private static List<String> rows(Statement statement, String table) throws SQLException {
    List<String> rows = new ArrayList<>();
    String quoted = '"' + table.replace("\"", "\"\"") + '"';
    try (ResultSet found = statement.executeQuery("SELECT * FROM " + quoted)) {
      int columns = found.getMetaData().getColumnCount();
      while (found.next()) {
        StringBuilder row = new StringBuilder();
        for (int i = 1; i <= columns; i++) {
          Object value = found.getObject(i);
          row.append(value == null ? "null" : value.getClass().getSimpleName()).append(' ');
          row.append(
              value instanceof byte[] bytes ? java.util.HexFormat.of().formatHex(bytes) : value);
          row.append('|');
        }
        rows.add(row.toString());
      }
    }
    rows.sort(null);
    return rows;
  }

  /** At most ten lines that say where this file differs from another. */
  List<String> differences(FileContents other) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(tables.keySet());
    names.addAll(other.tables.keySet());
    for (String name : names) {
      List<String> mine = new ArrayList<>(tables.getOrDefault(name, List.of("no such table")));
      List<String> theirs =
          new ArrayList<>(other.tables.getOrDefault(name, List.of("no such table")));
      if (!mine.equals(theirs)) {
        var onlyMine = new TreeSet<>(mine);
        theirs.forEach(onlyMine::remove);
        var onlyTheirs = new TreeSet<>(theirs);
        mine.forEach(onlyTheirs::remove);
        differences.add(
            "%s: %d rows against %d; only here %s; only there %s"
                .formatted(
                    name,
                    mine.size(),
                    theirs.size(),
                    onlyMine.stream().limit(3).toList(),
                    onlyTheirs.stream().limit(3).toList()));
      }
    }
    return differences;
  }
}
