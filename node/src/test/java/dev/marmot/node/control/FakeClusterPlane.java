package dev.marmot.node.control;

import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.ShardStatus;
import dev.marmot.proto.v1.ShardsReply;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A cluster that notes what it was asked to do. Thread-safe. */
public final class FakeClusterPlane implements ClusterPlane {
  /** What was asked, as texts. */
  public final List<String> asked = new CopyOnWriteArrayList<>();

  /** When set, everything fails with it. */
  public volatile @Nullable ControlException failure;

  public volatile boolean flushed = true;

  /** When set, nothing is answered. */
  public volatile boolean silent;

  /** Called at each request. */
  public volatile Runnable heard = () -> {};

  @Override
  public ShardsReply shards() {
    return ShardsReply.newBuilder()
        .setActive(1)
        .setOrder(status(0, 3).setActive(true).setLag(4))
        .addShards(status(1, 2).setActive(true).addListeners(9))
        .addShards(status(2, 0).setCommitted(-1).setApplied(-1))
        .build();
  }

  private static ShardStatus.Builder status(int shard, int leader) {
    return ShardStatus.newBuilder()
        .setShard(shard)
        .setLeader(leader)
        .setTerm(7)
        .setCommitted(40)
        .setApplied(36)
        .addVoters(1)
        .addVoters(2);
  }

  @Override
  public CompletionStage<SetShardsReply> setShards(int shards) {
    return answer(
        "set " + shards, SetShardsReply.newBuilder().setShards(shards).setBefore(16).build());
  }

  @Override
  public CompletionStage<MoveReply> move(List<Integer> shards, int to) {
    return answer(
        "move " + shards + " to " + to,
        MoveReply.newBuilder().addAllShards(shards).setTo(to).build());
  }

  @Override
  public CompletionStage<DrainReply> drain(int node) {
    return answer("drain " + node, DrainReply.newBuilder().setNode(node == 0 ? 1 : node).build());
  }

  @Override
  public CompletionStage<RebalanceReply> rebalance() {
    return answer("rebalance", RebalanceReply.getDefaultInstance());
  }

  @Override
  public CompletionStage<RemoveReply> remove(int node, boolean force) {
    return answer(
        "remove " + node + (force ? " by force" : ""),
        RemoveReply.newBuilder().setNode(node).setFlushed(flushed).build());
  }

  private <T> CompletionStage<T> answer(String what, T reply) {
    asked.add(what);
    heard.run();
    if (silent) {
      return new CompletableFuture<>();
    }
    ControlException thrown = failure;
    return thrown == null
        ? CompletableFuture.completedFuture(reply)
        : CompletableFuture.failedFuture(thrown);
  }
}
