package dev.marmot.node.replication;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ReplicaStore;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiPredicate;

/**
 * Tries held rows again: after the schema changed, once per process, and when asked. Confined to
 * the applier thread, {@link #request} excepted, which is thread-safe.
 *
 * <p>A pass goes from the newest to the oldest, so of two held rows that exclude each other the one
 * that came later is stored; a bounded part of it is one transaction. As long as a pass stores
 * something, another follows: a stored row may have made room for one that was tried before it.
 */
public final class HeldRetry {
  private static final int ROWS_PER_STEP = 1_000;
  private static final long NO_PASS = -1;

  private final ReplicaStore store;
  private final Queue<CompletableFuture<Retried>> requests = new ConcurrentLinkedQueue<>();
  private final List<CompletableFuture<Retried>> served = new ArrayList<>();
  private OptionalLong triedWith = OptionalLong.empty();
  private long before = NO_PASS;
  private long settledInPass;
  private long settled;
  private long held;
  private long heldNanos;

  HeldRetry(ReplicaStore store) {
    this.store = store;
  }

  /**
   * What became of the held rows.
   *
   * @param settled rows that are not held any more
   * @param held rows that still are
   */
  public record Retried(long settled, long held) {}

  /** Asks for a retry of all held rows; completes when it is done. */
  CompletableFuture<Retried> request() {
    CompletableFuture<Retried> done = new CompletableFuture<>();
    requests.add(done);
    return done;
  }

  /**
   * Does the next part, in one transaction.
   *
   * @param attempt tries one row in the transaction; says whether it is settled
   * @param end what must be done in the transaction after the rows
   * @return false when there was nothing to do
   */
  boolean step(BiPredicate<ApplyTransaction, Held> attempt, Ending end) {
    if (before == NO_PASS && !begin()) {
      return false;
    }
    long oldest = NO_PASS;
    long done = 0;
    long kept = 0;
    try (ApplyTransaction tx = store.begin()) {
      for (Held row : tx.heldBefore(before, ROWS_PER_STEP)) {
        oldest = row.id();
        if (attempt.test(tx, row)) {
          done++;
        } else {
          kept++;
        }
      }
      if (oldest != NO_PASS) {
        end.finish(tx);
        tx.commit();
      }
      heldNanos = System.nanoTime() - tx.lockedNanos();
    }
    settledInPass += done;
    held += kept;
    before = oldest;
    if (before == NO_PASS) {
      endPass();
    }
    return true;
  }

  /** For how long the last step held the write lock. */
  long heldNanos() {
    return heldNanos;
  }

  private boolean begin() {
    OptionalLong schema = store.heldSchema();
    boolean changed = schema.isPresent() && !schema.equals(triedWith);
    if (!changed && requests.isEmpty()) {
      return false;
    }
    triedWith = schema;
    for (var asked = requests.poll(); asked != null; asked = requests.poll()) {
      served.add(asked);
    }
    settled = 0;
    beginPass();
    return true;
  }

  private void beginPass() {
    before = Long.MAX_VALUE;
    settledInPass = 0;
    held = 0;
  }

  private void endPass() {
    settled += settledInPass;
    if (settledInPass > 0 && held > 0) {
      beginPass();
      return;
    }
    Retried result = new Retried(settled, held);
    served.forEach(asked -> asked.complete(result));
    served.clear();
  }

  /** The end of a transaction. */
  interface Ending {
    void finish(ApplyTransaction tx);
  }
}
