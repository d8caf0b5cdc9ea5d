package dev.marmot.sqlite.hooks;

import dev.marmot.sqlite.schema.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The hooks that are in a file: folded table name, then hook name to its text. Immutable.
 *
 * @param hooks tables without any hook are left out
 */
record Census(Map<String, Map<String, String>> hooks) {
  private static final Pattern SPACE = Pattern.compile("\\s+");

  static Census read(Connection connection) throws SQLException {
    Map<String, Map<String, String>> hooks = new HashMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT tbl_name,name,sql FROM main.sqlite_schema WHERE"
                    + " type IN ('trigger','index') AND name GLOB '__marmot_[0-9]*'")) {
      while (rows.next()) {
        hooks
            .computeIfAbsent(Sql.fold(rows.getString(1)), t -> new HashMap<>())
            .put(rows.getString(2), rows.getString(3));
      }
    }
    return new Census(hooks);
  }

  Map<String, String> of(String table) {
    return hooks.getOrDefault(Sql.fold(table), Map.of());
  }

  /** Whether exactly these hooks are on the table. */
  boolean matches(String table, Map<String, String> wanted) {
    Map<String, String> have = of(table);
    return have.keySet().equals(wanted.keySet())
        && wanted.keySet().stream().allMatch(name -> same(have, wanted, name));
  }

  Set<String> tables() {
    return hooks.keySet();
  }

  /** White space aside, which RENAME changes when it rewrites our text. */
  static boolean same(Map<String, String> have, Map<String, String> wanted, String name) {
    String is = have.get(name);
    String should = wanted.get(name);
    return is != null
        && should != null
        && (is.equals(should)
            || SPACE.matcher(is).replaceAll("").equals(SPACE.matcher(should).replaceAll("")));
  }
}
