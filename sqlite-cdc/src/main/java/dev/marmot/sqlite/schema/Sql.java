package dev.marmot.sqlite.schema;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** How names are written in SQL text, and when SQLite takes two names for one. Pure. */
public final class Sql {
  /** First characters of the names of everything that Marmot creates in a file. */
  public static final String OWN_PREFIX = "__marmot_";

  private static final Set<String> OWN_TABLES =
      Set.of(
          "backup",
          "change_log",
          "conflict",
          "conflict_place",
          "epoch",
          "guard",
          "held",
          "held_back",
          "hidden",
          "hooks",
          "last",
          "meta",
          "note",
          "parked",
          "skipped",
          "state",
          "writers");

  private static final Pattern HOOK = Pattern.compile("\\d{1,18}_[a-z0-9]+");

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

  /** Whether the object is Marmot's own: one of its tables or hooks, or what 0.3 to 0.8 left. */
  public static boolean isOwn(String name) {
    if (!name.startsWith(OWN_PREFIX)) {
      return false;
    }
    String rest = name.substring(OWN_PREFIX.length());
    return OWN_TABLES.contains(rest) || rest.startsWith("_") || HOOK.matcher(rest).matches();
  }

  /** Whether the name looks as if it were Marmot's. */
  static boolean isReserved(String name) {
    return fold(name).startsWith(OWN_PREFIX);
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
