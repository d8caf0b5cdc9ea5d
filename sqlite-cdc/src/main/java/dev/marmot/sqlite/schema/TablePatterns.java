package dev.marmot.sqlite.schema;

import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Chooses tables by name: SQLite's GLOB without regard to ASCII case, as SQLite compares the names
 * of tables. Immutable.
 *
 * <p>{@code *} is any text, {@code ?} one character, {@code [abc]}, {@code [a-z]} and {@code [^a]}
 * one character of a set.
 */
public final class TablePatterns {
  /** Chooses no table besides those of {@link OtherReplicators}. */
  public static final TablePatterns NONE = new TablePatterns(List.of(), List.of());

  private final List<String> globs;
  private final List<Pattern> patterns;

  private TablePatterns(List<String> globs, List<Pattern> patterns) {
    this.globs = globs;
    this.patterns = patterns;
  }

  /** Equal sets of patterns are equal, however they were ordered or written. */
  public static TablePatterns of(Collection<String> globs) {
    List<String> folded = globs.stream().map(Sql::fold).distinct().sorted().toList();
    return new TablePatterns(
        folded, folded.stream().map(TablePatterns::regex).collect(Collectors.toList()));
  }

  /** The patterns in lower case, sorted. */
  public List<String> globs() {
    return globs;
  }

  /** Whether the table is chosen; those of {@link OtherReplicators} always are. */
  public boolean match(String table) {
    if (OtherReplicators.owner(table).isPresent()) {
      return true;
    }
    if (patterns.isEmpty()) {
      return false;
    }
    String folded = Sql.fold(table);
    return patterns.stream().anyMatch(pattern -> pattern.matcher(folded).matches());
  }

  private static Pattern regex(String glob) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      switch (c) {
        case '*' -> regex.append(".*");
        case '?' -> regex.append('.');
        case '[' -> i = set(glob, i, regex);
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** A bracket right after the opening one belongs to the set; without an end nothing matches. */
  private static int set(String glob, int open, StringBuilder regex) {
    boolean not = open + 1 < glob.length() && glob.charAt(open + 1) == '^';
    int first = open + (not ? 2 : 1);
    int close = glob.indexOf(']', first + 1);
    if (close < 0) {
      throw new IllegalArgumentException(
          "must close its bracket, as in [abc]; to mean the bracket itself write [[]");
    }
    regex.append(not ? "[^" : "[");
    for (int i = first; i < close; i++) {
      char c = glob.charAt(i);
      if (c == '-' && i > first && i + 1 < close) {
        regex.append('-');
      } else {
        regex.append("\\u%04x".formatted((int) c));
      }
    }
    regex.append(']');
    return close;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TablePatterns that && globs.equals(that.globs);
  }

  @Override
  public int hashCode() {
    return globs.hashCode();
  }

  @Override
  public String toString() {
    return String.join(",", globs);
  }
}
