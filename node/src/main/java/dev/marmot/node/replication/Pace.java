package dev.marmot.node.replication;

import java.time.Duration;

/**
 * Learns how many rows an apply transaction may take so that it holds the write lock no longer than
 * it should. Confined to the applier thread, {@link #longestMillis} excepted.
 */
final class Pace {
  /** Below this the fixed cost of a transaction hides that of its rows. */
  private static final int LEAST_ROWS = 200;

  private static final double NEW_WEIGHT = 0.3;

  private final int mostRows;
  private final long mostNanos;
  private double nanosPerRow;
  private volatile long longestNanos;

  Pace(int mostRows, Duration mostHold) {
    this.mostRows = mostRows;
    this.mostNanos = mostHold.toNanos();
  }

  /** Rows after which a transaction should take no further entry. */
  int rows() {
    if (nanosPerRow * mostRows <= mostNanos) {
      return mostRows;
    }
    return Math.max(LEAST_ROWS, (int) (mostNanos / nanosPerRow));
  }

  /** A transaction of so many rows held the lock for so long. */
  void held(long rows, long nanos) {
    longestNanos = Math.max(longestNanos, nanos);
    if (rows >= LEAST_ROWS) {
      double now = (double) nanos / rows;
      nanosPerRow = nanosPerRow == 0 ? now : nanosPerRow + NEW_WEIGHT * (now - nanosPerRow);
    }
  }

  /** The longest that the lock was ever held. Thread-safe. */
  long longestMillis() {
    return Duration.ofNanos(longestNanos).toMillis();
  }
}
