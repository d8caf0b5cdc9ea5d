package dev.marmot.sqlite.schema;

import java.util.Locale;

/** How names are written in SQL text, and when SQLite takes two names for one. Pure. */
public final class Sql {
  /** First characters of the names of everything that Marmot creates in a file. */
  public static final String OWN_PREFIX = "__marmot_";

  private Sql() {}

  /** The name as a quoted identifier. */
  public static String quote(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /**
   * The rowid's name as it stands in SQL: bare, because a quoted name that no column has would be
   * taken for a string by some libraries; a column's name is quoted.
   */
  public static String rowid(String rowidName) {
    return isRowidName(rowidName) ? rowidName : quote(rowidName);
  }

  /** The name in the form by which SQLite compares names: without ASCII case. */
  public static String fold(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        return foldFrom(name, i);
      }
    }
    return name;
  }

  /** Whether the object is Marmot's own. */
  public static boolean isOwn(String name) {
    return name.startsWith(OWN_PREFIX);
  }

  static boolean isRowidName(String name) {
    String folded = name.toLowerCase(Locale.ROOT);
    return folded.equals("rowid") || folded.equals("_rowid_") || folded.equals("oid");
  }

  private static String foldFrom(String name, int from) {
    char[] chars = name.toCharArray();
    for (int i = from; i < chars.length; i++) {
      if (chars[i] >= 'A' && chars[i] <= 'Z') {
        chars[i] = (char) (chars[i] + ('a' - 'A'));
      }
    }
    return new String(chars);
  }
}
