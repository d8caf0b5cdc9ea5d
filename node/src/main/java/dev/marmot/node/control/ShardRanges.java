package dev.marmot.node.control;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Shards as operators write them, as in {@code 1-3,5}. Pure functions. */
public final class ShardRanges {
  private static final Pattern RANGE = Pattern.compile("([0-9]{1,9})(?:-([0-9]{1,9}))?");

  /** Far above the most shards of a cluster: a mistyped range ends here. */
  private static final int MOST = 10_000;

  private ShardRanges() {}

  /**
   * All shards, in the order given and each once; the order log is 0 or {@code order}.
   *
   * @throws IllegalArgumentException with the reason
   */
  public static List<Integer> parse(String text) {
    Set<Integer> shards = new LinkedHashSet<>();
    for (String part : text.split(",", -1)) {
      String range = part.strip();
      Matcher numbers = RANGE.matcher(range.equals("order") ? "0" : range);
      if (!numbers.matches()) {
        throw new IllegalArgumentException(
            "must be shards or ranges of them, as in 1-3,5, or order (got " + text + ")");
      }
      int first = Integer.parseInt(numbers.group(1));
      int last = numbers.group(2) == null ? first : Integer.parseInt(numbers.group(2));
      if (last < first) {
        throw new IllegalArgumentException("must not count backwards (got " + range + ")");
      }
      if (last > MOST) {
        throw new IllegalArgumentException("must be at most " + MOST + " (got " + range + ")");
      }
      for (int shard = first; shard <= last; shard++) {
        shards.add(shard);
      }
    }
    return new ArrayList<>(shards);
  }
}
