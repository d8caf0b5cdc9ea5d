package dev.marmot.sqlite.store;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The statement that fires a trigger, read from its CREATE text. */
enum TriggerEvent {
  INSERT,
  UPDATE,
  DELETE;

  private static final Pattern QUOTED_OR_COMMENT =
      Pattern.compile(
          "\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|'(?:[^']|'')*'|\\[[^\\]]*\\]"
              + "|--[^\\n]*|/\\*.*?\\*/",
          Pattern.DOTALL);
  private static final Pattern HEAD =
      Pattern.compile(
          "\\s*CREATE\\s+TRIGGER\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?\\S+(?:\\s*\\.\\s*\\S+)?\\s+"
              + "(?:BEFORE\\s+|AFTER\\s+)?(DELETE|INSERT|UPDATE)\\b.*",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  static TriggerEvent of(String sql) {
    String plain =
        QUOTED_OR_COMMENT.matcher(sql).replaceAll(found -> isComment(found.group()) ? " " : " x ");
    Matcher head = HEAD.matcher(plain);
    if (!head.matches()) {
      throw new IllegalStateException("cannot read the event of a trigger: " + sql);
    }
    return valueOf(head.group(1).toUpperCase(Locale.ROOT));
  }

  private static boolean isComment(String text) {
    return text.startsWith("--") || text.startsWith("/*");
  }
}
