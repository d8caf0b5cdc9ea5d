package dev.marmot.sqlite.hooks;

import dev.marmot.sqlite.schema.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Removes every trace of Marmot from a file. Immutable.
 *
 * <p>It wants the file for itself: a Marmot that is still running would put its hooks back at once,
 * and only the last process on a file can leave WAL mode.
 */
public final class Cleanup {
  private final DatabaseFile file;

  public Cleanup(DatabaseFile file) {
    this.file = file;
  }

  /** Cleans up. Throws {@link DatabaseFileException} when the file is in use or cannot be read. */
  public Cleaned run() {
    try (Connection connection = file.connect()) {
      if (!OwnTables.any(connection)) {
        return new Cleaned(0, DatabaseFile.text(connection, "PRAGMA main.journal_mode"));
      }
      String mode = DatabaseFile.text(connection, "PRAGMA main.journal_mode");
      String before = modeBefore(connection).orElse(mode);
      takeOver(connection);
      int removed = removeAll(connection);
      String after =
          before.equals("wal")
              ? DatabaseFile.text(connection, "PRAGMA main.journal_mode=wal")
              : DatabaseFile.text(connection, "PRAGMA main.journal_mode");
      return new Cleaned(removed, after);
    } catch (SQLException e) {
      throw file.explained("clean up", e);
    }
  }

  private static Optional<String> modeBefore(Connection connection) throws SQLException {
    if (OwnTables.number(
            connection, "SELECT count(*) FROM main.sqlite_schema WHERE name='__marmot_meta'")
        == 0) {
      return Optional.empty();
    }
    String mode = DatabaseFile.text(connection, "SELECT value " + DatabaseFile.FROM_META);
    return mode.isEmpty() ? Optional.empty() : Optional.of(mode);
  }

  /** Leaving WAL mode only succeeds while nobody else is there, and then nobody else gets in. */
  private void takeOver(Connection connection) throws SQLException {
    try {
      DatabaseFile.text(connection, "PRAGMA main.locking_mode=EXCLUSIVE");
      String mode = DatabaseFile.text(connection, "PRAGMA main.journal_mode=delete");
      execute(connection, "BEGIN EXCLUSIVE");
      if (mode.equals("wal")) {
        throw inUse(null);
      }
    } catch (SQLException e) {
      throw e.getMessage() != null && e.getMessage().contains("locked") ? inUse(e) : wrap(e);
    }
  }

  private DatabaseFileException inUse(@Nullable SQLException e) {
    String message =
        "cannot clean up "
            + file.path()
            + ": another process has it open; stop Marmot and the applications that use it"
            + ", and try again";
    return e == null ? new DatabaseFileException(message) : new DatabaseFileException(message, e);
  }

  private DatabaseFileException wrap(SQLException e) {
    return file.explained("clean up", e);
  }

  private static int removeAll(Connection connection) throws SQLException {
    List<String> drops = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT type, name FROM main.sqlite_schema
                WHERE substr(name,1,9)='__marmot_' AND sql IS NOT NULL
                ORDER BY CASE type WHEN 'trigger' THEN 0 WHEN 'view' THEN 1 WHEN 'index' THEN 2
                  ELSE 3 END, rowid
                """)) {
      while (rows.next()) {
        String name = rows.getString(2);
        if (Sql.isOwn(name)) {
          drops.add("DROP " + rows.getString(1) + " main." + Sql.quote(name));
        }
      }
    }
    for (String drop : drops) {
      execute(connection, drop);
    }
    execute(connection, "COMMIT");
    return drops.size();
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /**
   * What a cleanup did. Immutable.
   *
   * @param removed triggers, indexes and tables removed; 0 when Marmot never was in the file
   * @param journalMode the mode in which the file is left
   */
  public record Cleaned(int removed, String journalMode) {}
}
