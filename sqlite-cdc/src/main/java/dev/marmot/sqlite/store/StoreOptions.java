package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * How a store works on its file. Immutable.
 *
 * @param name begins the names of the store's threads
 * @param excluded tables that do not replicate; the same on all nodes
 * @param conflictRows most rows of the conflict log; the oldest go
 * @param poll how often the file is looked at when the file system reports no change
 * @param clock tells the time that held rows and conflicts bear
 * @param staging directory in which snapshots are made; empty is the directory of the file
 * @param maxRowBytes rows with more bytes of values are not sent, and never read whole
 */
public record StoreOptions(
    String name,
    TablePatterns excluded,
    int conflictRows,
    Duration poll,
    Clock clock,
    Optional<Path> staging,
    long maxRowBytes) {
  /** Most rows of the conflict log unless set otherwise. */
  public static final int DEFAULT_CONFLICT_ROWS = 100_000;

  /**
   * Largest row unless set otherwise; every node receives what any node sends, so it is the same
   * whatever memory a node has, and fits the smallest that is supported.
   */
  public static final int DEFAULT_MAX_ROW_BYTES = 8 << 20;

  public StoreOptions {
    if (conflictRows < 1) {
      throw new IllegalArgumentException(
          "cannot keep " + conflictRows + " rows of conflicts: at least one is needed; set more");
    }
  }

  /** Options that make snapshots in the directory of the file. */
  public StoreOptions(
      String name, TablePatterns excluded, int conflictRows, Duration poll, Clock clock) {
    this(name, excluded, conflictRows, poll, clock, Optional.empty(), DEFAULT_MAX_ROW_BYTES);
  }

  /** The same, but snapshots are made in this directory. */
  public StoreOptions withStaging(Path directory) {
    return new StoreOptions(
        name, excluded, conflictRows, poll, clock, Optional.of(directory), maxRowBytes);
  }

  /** The same with other excluded tables. */
  public StoreOptions withExcluded(TablePatterns patterns) {
    return new StoreOptions(name, patterns, conflictRows, poll, clock, staging, maxRowBytes);
  }

  /** The same with another size from which on rows are not sent. */
  public StoreOptions withMaxRowBytes(long bytes) {
    return new StoreOptions(name, excluded, conflictRows, poll, clock, staging, bytes);
  }

  public static StoreOptions defaults(String name) {
    return new StoreOptions(
        name, TablePatterns.NONE, DEFAULT_CONFLICT_ROWS, Duration.ofSeconds(1), Clock.systemUTC());
  }
}
