package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.TablePatterns;
import java.time.Clock;
import java.time.Duration;

/**
 * How a store works on its file. Immutable.
 *
 * @param name begins the names of the store's threads
 * @param excluded tables that do not replicate; the same on all nodes
 * @param conflictRows most rows of the conflict log; the oldest go
 * @param poll how often the file is looked at when the file system reports no change
 * @param clock tells the time that held rows and conflicts bear
 */
public record StoreOptions(
    String name, TablePatterns excluded, int conflictRows, Duration poll, Clock clock) {
  /** Most rows of the conflict log unless set otherwise. */
  public static final int DEFAULT_CONFLICT_ROWS = 100_000;

  public StoreOptions {
    if (conflictRows < 1) {
      throw new IllegalArgumentException(
          "cannot keep " + conflictRows + " rows of conflicts: at least one is needed; set more");
    }
  }

  /** The same with other excluded tables. */
  public StoreOptions withExcluded(TablePatterns patterns) {
    return new StoreOptions(name, patterns, conflictRows, poll, clock);
  }

  public static StoreOptions defaults(String name) {
    return new StoreOptions(
        name, TablePatterns.NONE, DEFAULT_CONFLICT_ROWS, Duration.ofSeconds(1), Clock.systemUTC());
  }
}
