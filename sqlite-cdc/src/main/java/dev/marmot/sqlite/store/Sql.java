package dev.marmot.sqlite.store;

import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sqlite.SQLiteException;

/** Pieces of SQL text. Pure functions. */
final class Sql {
  /** First letters of every name that Marmot makes in the user's file. */
  static final String OWN_PREFIX = "__marmot_";

  private Sql() {}

  static String quote(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  static String quoteAll(List<String> names) {
    return names.stream().map(Sql::quote).collect(Collectors.joining(","));
  }

  /** The form in which SQLite compares names: ASCII letters without case. */
  static String fold(String name) {
    StringBuilder folded = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      folded.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
    }
    return folded.toString();
  }

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
