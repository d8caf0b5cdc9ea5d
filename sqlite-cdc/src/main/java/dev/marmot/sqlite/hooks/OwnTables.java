package dev.marmot.sqlite.hooks;

import dev.marmot.sqlite.schema.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** The tables that the hooks need. Confined to its caller's thread. */
final class OwnTables {
  static final String META_DDL =
      "CREATE TABLE IF NOT EXISTS __marmot_meta(key TEXT PRIMARY KEY, value)";
  private static final String COUNTER = "__marmot_hooks";

  private final Connection connection;

  OwnTables(Connection connection) {
    this.connection = connection;
  }

  /** Number of key columns that log and notes both have, 0 when a table is missing. */
  static int keyColumns(Connection connection) throws SQLException {
    return (int)
        number(
            connection,
            """
            SELECT CASE WHEN
              (SELECT count(*) FROM main.sqlite_schema WHERE type='table'
                AND name IN ('__marmot_change_log','__marmot_note','__marmot_guard',
                  '__marmot_hooks')) < 4 THEN 0
            ELSE min(
              (SELECT count(*) FROM pragma_table_xinfo('__marmot_change_log','main')
                WHERE name GLOB 'k[0-9]*'),
              (SELECT count(*) FROM pragma_table_xinfo('__marmot_note','main')
                WHERE name GLOB 'k[0-9]*')) END
            """);
  }

  /**
   * Creates what is missing.
   *
   * @return whether the change log was missing
   */
  boolean create(int keyColumns) throws SQLException {
    boolean logMissing = !exists(HookSql.LOG);
    if (logMissing) {
      // No constraints: OR IGNORE in the application's statement would skip a row silently.
      execute("CREATE TABLE " + HookSql.LOG + "(seq INTEGER PRIMARY KEY, tbl INTEGER, k0, k1)");
    }
    createIfMissing(HookSql.GUARD, "x");
    createIfMissing(HookSql.NOTE, "tbl INTEGER, k0, k1");
    createIfMissing(COUNTER, "next_id INTEGER");
    widen(HookSql.LOG, keyColumns);
    widen(HookSql.NOTE, keyColumns);
    return logMissing;
  }

  /** The next number that no table ever had, also after the counter itself was lost. */
  long nextId() throws SQLException {
    long next =
        number(
            connection,
            """
            SELECT max(
              ifnull((SELECT max(next_id) FROM main.__marmot_hooks), 1),
              ifnull((SELECT max(abs(tbl) %% %d) FROM main.__marmot_change_log), 0) + 1,
              ifnull((SELECT max(CAST(substr(name, 10) AS INTEGER)) FROM main.sqlite_schema
                WHERE type='trigger' AND name GLOB '__marmot_[0-9]*'), 0) + 1)
            """
                .formatted(HookSql.RESENT));
    execute("DELETE FROM main." + COUNTER);
    execute("INSERT INTO main." + COUNTER + " VALUES(" + (next + 1) + ")");
    return next;
  }

  private void createIfMissing(String table, String columns) throws SQLException {
    if (!exists(table)) {
      execute("CREATE TABLE " + table + "(" + columns + ")");
    }
  }

  private void widen(String table, int keyColumns) throws SQLException {
    int have =
        (int)
            number(
                connection,
                "SELECT count(*) FROM pragma_table_xinfo('"
                    + table
                    + "','main') WHERE name GLOB 'k[0-9]*'");
    for (int i = have; i < keyColumns; i++) {
      execute("ALTER TABLE " + table + " ADD COLUMN k" + i);
    }
  }

  private boolean exists(String table) throws SQLException {
    return number(
            connection,
            "SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND name='" + table + "'")
        > 0;
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getLong(1) : 0;
    }
  }

  /** Whether the file holds anything of Marmot's. */
  static boolean any(Connection connection) throws SQLException {
    return number(
            connection,
            "SELECT count(*) FROM main.sqlite_schema WHERE substr(name,1,9)='"
                + Sql.OWN_PREFIX
                + "'")
        > 0;
  }
}
