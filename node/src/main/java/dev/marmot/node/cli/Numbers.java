package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.ShardRanges;
import java.util.List;

/** Numbers of nodes and shards as operators write them. Pure functions. */
final class Numbers {
  private Numbers() {}

  /** A node: {@code 3}, or {@code n3} as tables show it. */
  static int node(String option, String text) {
    return positive(option, text.startsWith("n") ? text.substring(1) : text, text);
  }

  /** Shards, 0 for the order log. */
  static List<Integer> shardList(String text) {
    try {
      return ShardRanges.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ControlException(Kind.INVALID, "shard: " + e.getMessage(), e);
    }
  }

  /** How many shards. */
  static int shards(String text) {
    return positive("shards set", text, text);
  }

  private static int positive(String option, String digits, String given) {
    if (!digits.matches("[1-9][0-9]{0,8}")) {
      throw new ControlException(
          Kind.INVALID, option + ": must be a whole number from 1 (got " + given + ")");
    }
    return Integer.parseInt(digits);
  }
}
