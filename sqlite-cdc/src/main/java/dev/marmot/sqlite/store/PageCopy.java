package dev.marmot.sqlite.store;

import dev.marmot.sqlite.hooks.DatabaseFile;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.core.DB;

/**
 * Copies a live database page by page, as it is committed at one moment, while everybody goes on
 * writing (sqlite.org/backup.html). Stateless.
 */
public final class PageCopy {
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);

  private PageCopy() {}

  /**
   * Copies to a file that is not there yet or may be overwritten.
   *
   * @throws SqliteReplicationException when the copy is not whole
   */
  public static void copy(Path database, Path target) {
    try (Connection source = new DatabaseFile(database, LOCK_WAIT).connect()) {
      copy(source, target);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("copy " + database + " to " + target, e);
    }
  }

  /** One step, so that it never begins anew; SQLite takes a few pages into memory at a time. */
  static void copy(Connection source, Path target) throws SQLException {
    int wait = (int) LOCK_WAIT.toMillis();
    int code =
        ((SQLiteConnection) source)
            .getDatabase()
            .backup("main", target.toString(), null, wait, Integer.MAX_VALUE, -1);
    if (code != SQLiteErrorCode.SQLITE_OK.code) {
      throw DB.newSQLException(code, "the copy is not complete");
    }
  }
}
