package dev.marmot.sqlite.store;

import java.sql.SQLException;
import java.util.Locale;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What an error of SQLite means for the store. Pure functions. */
final class Refusal {
  private Refusal() {}

  /**
   * Whether SQLite refused one row for what it holds: a constraint, a type, its size, or a
   * statement that cannot be prepared because the table needs a function that Marmot does not have.
   */
  static boolean refusesRow(SQLException e) {
    return switch (primaryCode(e)) {
      case 1, 18, 19, 20 -> true;
      default -> false;
    };
  }

  /**
   * Whether a virtual table that a trigger writes is damaged, such as a search index that misses
   * the row that is to leave it. The statement is undone, the transaction is sound.
   */
  static boolean isDamagedIndex(SQLException e) {
    return e instanceof SQLiteException sqlite
        && sqlite.getResultCode() == SQLiteErrorCode.SQLITE_CORRUPT_VTAB;
  }

  /** Whether the statement itself cannot run here, whatever the row: it lacks a function. */
  static boolean isStatementFault(SQLException e) {
    return primaryCode(e) == 1;
  }

  static boolean isBusy(SQLException e) {
    int code = primaryCode(e);
    return code == 5 || code == 6;
  }

  private static int primaryCode(SQLException e) {
    if (e instanceof SQLiteException sqlite) {
      return sqlite.getResultCode().code & 0xff;
    }
    return e.getErrorCode() & 0xff;
  }

  /** SQLite's own words, without the driver's frame around them. */
  static String reason(SQLException e) {
    String message = String.valueOf(e.getMessage());
    int from = message.indexOf('(');
    return from > 0 && message.endsWith(")") && message.startsWith("[")
        ? message.substring(from + 1, message.length() - 1).strip()
        : message.toLowerCase(Locale.ROOT);
  }
}
