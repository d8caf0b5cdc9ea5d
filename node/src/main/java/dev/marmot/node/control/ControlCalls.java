package dev.marmot.node.control;

import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.JoinClusterReply;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.ShardsReply;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;

/** The control plane, called on the pool, with arguments checked. Thread-safe. */
final class ControlCalls {
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

  private static final Duration LONGEST_TIMEOUT = Duration.ofHours(1);

  private static final int DEFAULT_LIMIT = 100;
  private static final int LARGEST_LIMIT = 1_000;

  private final ControlPlane plane;
  private final Executor pool;

  ControlCalls(ControlPlane plane, Executor pool) {
    this.plane = plane;
    this.pool = pool;
  }

  CompletionStage<StatusReply> status() {
    return onPool(plane::status);
  }

  CompletionStage<Boolean> alive() {
    return onPool(plane::alive);
  }

  CompletionStage<Readiness> readiness() {
    return onPool(plane::readiness);
  }

  /** Zero milliseconds stand for the default. */
  CompletionStage<BarrierReply> barrier(long timeoutMillis) {
    if (timeoutMillis < 0 || timeoutMillis > LONGEST_TIMEOUT.toMillis()) {
      return CompletableFuture.failedFuture(
          new ControlException(
              Kind.INVALID, "timeout: must be at most 1h (got " + timeoutMillis + " ms)"));
    }
    Duration timeout = timeoutMillis == 0 ? DEFAULT_TIMEOUT : Duration.ofMillis(timeoutMillis);
    return onPool(() -> plane.barrier(timeout)).thenCompose(Function.identity());
  }

  /** Zero stands for the default limit. */
  CompletionStage<ConflictsReply> conflicts(long after, long limit) {
    return page(after, limit, plane::conflicts);
  }

  /** Zero stands for the default limit. */
  CompletionStage<HeldReply> held(long after, long limit) {
    return page(after, limit, plane::held);
  }

  CompletionStage<RetryReply> retry() {
    return onPool(plane::retry).thenCompose(Function.identity());
  }

  CompletionStage<ShardsReply> shards() {
    return onPool(() -> plane.cluster().shards());
  }

  CompletionStage<SetShardsReply> setShards(int shards) {
    return onCluster(cluster -> cluster.setShards(shards));
  }

  CompletionStage<MoveReply> move(List<Integer> shards, int to) {
    return onCluster(cluster -> cluster.move(shards, to));
  }

  CompletionStage<DrainReply> drain(int node) {
    return onCluster(cluster -> cluster.drain(node));
  }

  CompletionStage<RebalanceReply> rebalance() {
    return onCluster(ClusterPlane::rebalance);
  }

  CompletionStage<RemoveReply> remove(int node, boolean force) {
    return onCluster(cluster -> cluster.remove(node, force));
  }

  private <T> CompletionStage<T> onCluster(Function<ClusterPlane, CompletionStage<T>> call) {
    return onPool(() -> call.apply(plane.cluster())).thenCompose(Function.identity());
  }

  CompletionStage<VerifyReply> verify(VerifyRequest request) {
    return onPool(() -> plane.safekeeping().verify(request)).thenCompose(Function.identity());
  }

  CompletionStage<SaveSnapshotReply> saveSnapshot(SaveSnapshotRequest request) {
    return onPool(() -> plane.safekeeping().saveSnapshot(request)).thenCompose(Function.identity());
  }

  CompletionStage<JoinClusterReply> join(String to) {
    return onPool(() -> plane.join(to)).thenCompose(Function.identity());
  }

  private <T> CompletionStage<T> page(long after, long limit, Page<T> page) {
    if (after < 0 || limit < 0 || limit > LARGEST_LIMIT) {
      return CompletableFuture.failedFuture(
          new ControlException(
              Kind.INVALID,
              "after: must be the id of an entry, limit: at most "
                  + LARGEST_LIMIT
                  + " (got "
                  + Long.toUnsignedString(after)
                  + " and "
                  + Long.toUnsignedString(limit)
                  + ")"));
    }
    int entries = limit == 0 ? DEFAULT_LIMIT : (int) limit;
    return onPool(() -> page.read(after, entries));
  }

  private interface Page<T> {
    T read(long after, int limit);
  }

  private <T> CompletionStage<T> onPool(Supplier<T> call) {
    try {
      return CompletableFuture.supplyAsync(call, pool);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
