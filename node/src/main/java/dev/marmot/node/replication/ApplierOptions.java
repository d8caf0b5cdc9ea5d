package dev.marmot.node.replication;

import java.time.Duration;

/**
 * How a node applies. Immutable.
 *
 * @param maxRows rows after which an apply transaction takes no further entry
 * @param pause for how long at least the write lock is left free after an apply transaction, so
 *     that the application is never starved; always at least as long as the lock was held
 */
public record ApplierOptions(int maxRows, Duration pause) {
  /** What a node uses unless told otherwise. */
  public static final ApplierOptions DEFAULT = new ApplierOptions(20_000, Duration.ofMillis(5));
}
