package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Ends an origin for ever: what it has not had ordered until then never will be. Immutable.
 *
 * <p>The item may be ordered more than once without effect, so an unknown outcome is tried again.
 */
public final class Removal {
  private static final int ATTEMPTS = 60;
  private static final long PAUSE_MILLIS = 500;

  private final OrderedLogs logs;

  public Removal(OrderedLogs logs) {
    this.logs = logs;
  }

  /**
   * Ends a node's epochs.
   *
   * @return completes with the index in the order log at which they end
   */
  public CompletionStage<Long> end(int origin) {
    Epoch epoch = Epoch.newBuilder().setOrigin(origin).setRemoved(true).build();
    return propose(Entries.order(List.of(OrderItem.newBuilder().setEpoch(epoch).build())), ATTEMPTS)
        .thenApply(LogPosition::index);
  }

  private CompletionStage<LogPosition> propose(ByteString entry, int attempts) {
    return logs.propose(LogId.ORDER, entry)
        .exceptionallyCompose(
            failure ->
                attempts > 1 ? later(entry, attempts) : CompletableFuture.failedFuture(failure));
  }

  private CompletionStage<LogPosition> later(ByteString entry, int attempts) {
    return CompletableFuture.supplyAsync(
            () -> propose(entry, attempts - 1),
            CompletableFuture.delayedExecutor(PAUSE_MILLIS, TimeUnit.MILLISECONDS))
        .thenCompose(Function.identity());
  }
}
