package dev.marmot.sqlite.store;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * SQLite refused something that the store needs: the disk is full, the file is damaged or locked.
 * The transaction is rolled back and the file is as before, so it is safe to try again.
 */
public final class SqliteReplicationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SqliteReplicationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** Says what failed, what SQLite says, and what the operator can do about it. */
  static SqliteReplicationException cannot(String what, SQLException cause) {
    return new SqliteReplicationException(
        "cannot " + what + ": " + cause.getMessage() + "; " + advice(cause), cause);
  }

  private static String advice(SQLException cause) {
    if (cause instanceof SQLiteException sqlite) {
      SQLiteErrorCode code = sqlite.getResultCode();
      return switch (code.code & 0xff) {
        case 13 -> "free disk space, it goes on by itself";
        case 8, 14 -> "check the permissions of the file and its directory";
        case 11, 26 -> "check the file with PRAGMA integrity_check";
        case 10 -> "check the disk and the system's log";
        default -> "nothing was changed, it will be tried again";
      };
    }
    return "nothing was changed, it will be tried again";
  }
}
