package dev.marmot.node.identity;

import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Each start of a node gives its file and its directory the same number, and a part that is drawn
 * at random, so that two lives that begin from the same copy do not give the same. Immutable.
 */
public record StartNumber(long number, long drawn) {
  /** The start after these. */
  static StartNumber after(
      Optional<StartNumber> one, Optional<StartNumber> other, RandomGenerator random) {
    long last =
        Math.max(
            one.map(StartNumber::number).orElse(0L), other.map(StartNumber::number).orElse(0L));
    return new StartNumber(last + 1, random.nextLong());
  }

  /**
   * Reads what {@link #toString} wrote.
   *
   * @throws IllegalArgumentException when the text is none
   */
  public static StartNumber parse(String text) {
    String[] parts = text.strip().split(" ", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException("it says \"" + text.strip() + "\"");
    }
    return new StartNumber(Long.parseLong(parts[0]), Long.parseUnsignedLong(parts[1], 16));
  }

  @Override
  public String toString() {
    return "%d %016x".formatted(number, drawn);
  }
}
