package dev.marmot.node.replication;

import java.time.Duration;

/**
 * How a node applies. Immutable.
 *
 * @param maxRows rows after which an apply transaction takes no further entry
 * @param pause for how long at least the write lock is left free after an apply transaction, so
 *     that the application is never starved; always at least as long as the lock was held
 * @param maxHold how long an apply transaction should hold the write lock at most; one change set
 *     is always applied whole
 */
public record ApplierOptions(int maxRows, Duration pause, Duration maxHold) {
  /** What a node uses unless told otherwise. */
  public static final ApplierOptions DEFAULT =
      new ApplierOptions(20_000, Duration.ofMillis(5), Duration.ofSeconds(1));

  /** The same with another bound for one apply transaction. */
  public ApplierOptions withMaxHold(Duration hold) {
    return new ApplierOptions(maxRows, pause, hold);
  }
}
