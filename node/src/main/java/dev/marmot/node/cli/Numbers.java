package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;

/** Numbers of nodes and shards as operators write them. Pure functions. */
final class Numbers {
  private Numbers() {}

  /** A node: {@code 3}, or {@code n3} as tables show it. */
  static int node(String option, String text) {
    return positive(option, text.startsWith("n") ? text.substring(1) : text, text);
  }

  /** A shard, or 0 for the order log. */
  static int shard(String text) {
    return text.equals("order") || text.equals("0") ? 0 : positive("shard", text, text);
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
