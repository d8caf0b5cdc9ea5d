package dev.marmot.sqlite.property;

import java.util.List;
import java.util.SplittableRandom;

/** Random choices that a seed repeats. Confined to one thread. */
final class Dice {
  private static final List<String> VALUES =
      List.of(
          "NULL",
          "1",
          "2",
          "1.0",
          "-0.0",
          "'1'",
          "'a'",
          "'A'",
          "'a '",
          "'b c'",
          "'é'",
          "x'61'",
          "x''",
          "''",
          "'{\"a\":1}'",
          "9007199254740993",
          "9007199254740992.0",
          "9e999",
          "-9e999",
          "CAST(x'c328ff' AS TEXT)",
          "CAST(x'610062' AS TEXT)",
          "9223372036854775807",
          "-9223372036854775808",
          "3.5",
          "1e-320",
          "zeroblob(600)");

  private final SplittableRandom random;

  Dice(long seed) {
    this.random = new SplittableRandom(seed);
  }

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  int below(int n) {
    return random.nextInt(n);
  }

  String pick(String... options) {
    return options[random.nextInt(options.length)];
  }

  <T> T of(List<T> options) {
    return options.get(random.nextInt(options.size()));
  }

  /** A value of any kind, often a small number, so that rows meet. */
  String value() {
    return oneIn(3) ? of(VALUES) : small();
  }

  /** A value for a key, seldom NULL. */
  String key() {
    return oneIn(4) ? of(VALUES) : small();
  }

  private String small() {
    return oneIn(3) ? "'" + (char) ('a' + below(4)) + "'" : String.valueOf(below(7));
  }
}
