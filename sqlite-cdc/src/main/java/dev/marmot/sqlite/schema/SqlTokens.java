package dev.marmot.sqlite.schema;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts SQL text that SQLite itself has accepted into tokens, as sqlite.org/lang_keywords.html and
 * lang_comment.html define them: quoted names, strings and comments never look like keywords.
 */
final class SqlTokens {
  private final String sql;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  private SqlTokens(String sql) {
    this.sql = sql;
  }

  /** The tokens of the text, comments and white space left out. */
  static List<Token> of(String sql) {
    SqlTokens scan = new SqlTokens(sql);
    while (scan.at < sql.length()) {
      scan.next();
    }
    return scan.tokens;
  }

  /** The text from the first token to the last one; comments at both ends are left out. */
  static String text(String sql, List<Token> part) {
    return part.isEmpty()
        ? ""
        : sql.substring(part.get(0).start(), part.get(part.size() - 1).end());
  }

  private void next() {
    char c = sql.charAt(at);
    if (Character.isWhitespace(c)) {
      at++;
    } else if (sql.startsWith("--", at)) {
      at = indexOrEnd("\n", at);
    } else if (sql.startsWith("/*", at)) {
      at = Math.min(indexOrEnd("*/", at + 2) + 2, sql.length());
    } else if (c == '"' || c == '`' || c == '\'' || c == '[') {
      quoted(c == '[' ? ']' : c);
    } else if (isWord(c)) {
      word();
    } else {
      tokens.add(new Token(Kind.SYMBOL, String.valueOf(c), at, at + 1));
      at++;
    }
  }

  private int indexOrEnd(String what, int from) {
    int found = sql.indexOf(what, from);
    return found < 0 ? sql.length() : found;
  }

  private void quoted(char close) {
    int start = at++;
    StringBuilder value = new StringBuilder();
    while (at < sql.length()) {
      char c = sql.charAt(at++);
      if (c != close) {
        value.append(c);
      } else if (close != ']' && at < sql.length() && sql.charAt(at) == close) {
        value.append(c);
        at++;
      } else {
        break;
      }
    }
    tokens.add(new Token(Kind.QUOTED, value.toString(), start, at));
  }

  private void word() {
    int start = at;
    while (at < sql.length() && isWord(sql.charAt(at))) {
      at++;
    }
    tokens.add(new Token(Kind.WORD, sql.substring(start, at), start, at));
  }

  private static boolean isWord(char c) {
    return c > 127 || c == '_' || c == '$' || Character.isLetterOrDigit(c);
  }

  /** What a token is. */
  enum Kind {
    WORD,
    QUOTED,
    SYMBOL
  }

  /** A token with its place in the text; {@code value} of a quoted one is without its quotes. */
  record Token(Kind kind, String value, int start, int end) {
    boolean is(String keyword) {
      return kind == Kind.WORD && value.equalsIgnoreCase(keyword);
    }

    boolean symbol(char c) {
      return kind == Kind.SYMBOL && value.charAt(0) == c;
    }

    boolean name() {
      return kind != Kind.SYMBOL;
    }
  }
}
