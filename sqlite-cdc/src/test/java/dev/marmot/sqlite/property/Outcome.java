package dev.marmot.sqlite.property;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.sqlite.SQLiteException;

/** What an application sees of one statement. Immutable. */
record Outcome(String error, String rows, long changes, long lastRowid) {
  static Outcome of(Connection connection, String sql) throws SQLException {
    String error = "";
    StringBuilder rows = new StringBuilder();
    try (Statement statement = connection.createStatement()) {
      if (statement.execute(sql)) {
        try (ResultSet result = statement.getResultSet()) {
          while (result.next()) {
            for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
              rows.append(result.getString(i)).append('|');
            }
            rows.append('\n');
          }
        }
      }
    } catch (SQLiteException e) {
      error = e.getResultCode() + " " + e.getMessage();
    }
    return new Outcome(
        error,
        rows.toString(),
        number(connection, "SELECT changes()"),
        number(connection, "SELECT last_insert_rowid()"));
  }

  /** Whether an application sees the same. */
  boolean same(Outcome other, boolean rowidCounts, boolean changesCount) {
    return error.equals(other.error)
        && rows.equals(other.rows)
        && (!changesCount || changes == other.changes)
        && (!rowidCounts || lastRowid == other.lastRowid);
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }
}
