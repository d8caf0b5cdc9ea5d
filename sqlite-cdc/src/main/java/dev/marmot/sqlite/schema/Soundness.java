package dev.marmot.sqlite.schema;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether a file is damaged, as far as SQLite can tell. Immutable.
 *
 * <p>SQLite gives up the check of a whole file at the first table that has an index with a
 * collation or a function of the application's. That is no damage, so such a file is checked table
 * by table.
 *
 * @param problems what PRAGMA quick_check complains about; empty when all is well
 * @param unchecked tables that cannot be checked here, each with SQLite's reason
 */
public record Soundness(List<String> problems, Map<String, String> unchecked) {
  private static final Pattern LACKING =
      Pattern.compile("no such (?:collation sequence|function|module|tokenizer)\\b[^)]*");

  public Soundness {
    problems = List.copyOf(problems);
    unchecked = Map.copyOf(unchecked);
  }

  /**
   * Reads the whole file.
   *
   * @param most number of problems after which to stop
   */
  public static Soundness check(Connection connection, int most) throws SQLException {
    try {
      return new Soundness(quickCheck(connection, Integer.toString(most)), Map.of());
    } catch (SQLException e) {
      if (!LACKING.matcher(String.valueOf(e.getMessage())).find()) {
        throw e;
      }
      return byTable(connection, most);
    }
  }

  private static Soundness byTable(Connection connection, int most) throws SQLException {
    List<String> problems = new ArrayList<>();
    Map<String, String> unchecked = new TreeMap<>();
    for (String table : tables(connection)) {
      try {
        problems.addAll(quickCheck(connection, Sql.quote(table)));
      } catch (SQLException e) {
        Matcher lacking = LACKING.matcher(String.valueOf(e.getMessage()));
        if (!lacking.find()) {
          throw e;
        }
        unchecked.put(table, lacking.group().strip());
      }
    }
    return new Soundness(problems.stream().limit(most).toList(), unchecked);
  }

  private static List<String> tables(Connection connection) throws SQLException {
    return texts(
        connection,
        "SELECT name FROM main.sqlite_schema WHERE type='table' AND rootpage>0 ORDER BY name");
  }

  private static List<String> quickCheck(Connection connection, String argument)
      throws SQLException {
    List<String> found = texts(connection, "PRAGMA main.quick_check(" + argument + ")");
    return found.equals(List.of("ok")) ? List.of() : found;
  }

  private static List<String> texts(Connection connection, String sql) throws SQLException {
    List<String> found = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(sql);
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        found.add(String.valueOf(rows.getString(1)));
      }
    }
    return found;
  }
}
