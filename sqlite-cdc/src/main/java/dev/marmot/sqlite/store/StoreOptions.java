package dev.marmot.sqlite.store;

import java.time.Clock;
import java.time.Duration;
import java.util.Set;

/**
 * How a store works on its file. Immutable.
 *
 * @param name begins the names of the store's threads
 * @param excluded tables that do not replicate, in any case
 * @param conflictRows most rows of the conflict log; the oldest go
 * @param poll how often the file is looked at when the file system reports no change
 * @param clock tells the time that held rows and conflicts bear
 */
public record StoreOptions(
    String name, Set<String> excluded, int conflictRows, Duration poll, Clock clock) {
  /** Most rows of the conflict log unless set otherwise. */
  public static final int DEFAULT_CONFLICT_ROWS = 100_000;

  public StoreOptions {
    excluded = Set.copyOf(excluded);
    if (conflictRows < 1) {
      throw new IllegalArgumentException(
          "cannot keep " + conflictRows + " rows of conflicts: at least one is needed; set more");
    }
  }

  public static StoreOptions defaults(String name) {
    return new StoreOptions(
        name, Set.of(), DEFAULT_CONFLICT_ROWS, Duration.ofSeconds(1), Clock.systemUTC());
  }
}
