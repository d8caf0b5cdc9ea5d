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
 * @param late tables of which a trigger of the application is younger than a hook: SQLite fires the
 *     youngest first, and one that ends a statement by RAISE(FAIL) must not do so before the hooks
 *     have logged the row that stays
 */
record Census(Map<String, Map<String, String>> hooks, Set<String> late) {
  private static final Pattern SPACE = Pattern.compile("\\s+");

  static Census read(Connection connection) throws SQLException {
    Map<String, Map<String, String>> hooks = new HashMap<>();
    Map<String, Long> oldestHook = new HashMap<>();
    Map<String, Long> youngestOther = new HashMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT tbl_name,name,sql,rowid,type='trigger',name GLOB '__marmot_[0-9]*'"
                    + " FROM main.sqlite_schema WHERE type='trigger'"
                    + " OR (type='index' AND name GLOB '__marmot_[0-9]*')")) {
      while (rows.next()) {
        String table = Sql.fold(rows.getString(1));
        boolean hook = rows.getBoolean(6);
        if (hook) {
          hooks
              .computeIfAbsent(table, t -> new HashMap<>())
              .put(rows.getString(2), rows.getString(3));
        }
        if (hook && rows.getBoolean(5)) {
          oldestHook.merge(table, rows.getLong(4), Math::min);
        } else if (!hook) {
          youngestOther.merge(table, rows.getLong(4), Math::max);
        }
      }
    }
    oldestHook.entrySet().removeIf(e -> youngestOther.getOrDefault(e.getKey(), 0L) < e.getValue());
    return new Census(hooks, Set.copyOf(oldestHook.keySet()));
  }

  Map<String, String> of(String table) {
    return hooks.getOrDefault(Sql.fold(table), Map.of());
  }

  /** Whether a trigger of the application fires before the table's hooks. */
  boolean isLate(String table) {
    return late.contains(Sql.fold(table));
  }

  /** Whether exactly these hooks are on the table, and fire before all other triggers. */
  boolean matches(String table, Map<String, String> wanted) {
    Map<String, String> have = of(table);
    return !isLate(table)
        && have.keySet().equals(wanted.keySet())
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
