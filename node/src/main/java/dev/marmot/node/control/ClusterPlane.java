package dev.marmot.node.control;

import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.ShardsReply;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * What operators do to the cluster, at any of its nodes: who leads, how many shards, who belongs to
 * it. Implementations are thread-safe. Everything can be asked for again after it broke off.
 */
public interface ClusterPlane {
  /** The raft logs as this node knows them. */
  ShardsReply shards();

  /** Completes when all members, which must be up, use this number of data shards. */
  CompletionStage<SetShardsReply> setShards(int shards);

  /**
   * Hands leadership to a node, one raft log after the other; it stays there until that node fails,
   * or {@link #rebalance}.
   *
   * @param shards 0 is the order log
   */
  CompletionStage<MoveReply> move(List<Integer> shards, int to);

  /**
   * Completes when a node leads nothing; it does not lead again until {@link #rebalance}, or until
   * it starts again.
   *
   * @param node 0 is the node that is asked
   */
  CompletionStage<DrainReply> drain(int node);

  /** Completes when all members that are up know that leaders are to be spread; they then move. */
  CompletionStage<RebalanceReply> rebalance();

  /**
   * Takes another node out of the cluster for ever.
   *
   * @param force also when too few of those that remain are up to decide anything
   */
  CompletionStage<RemoveReply> remove(int node, boolean force);
}
