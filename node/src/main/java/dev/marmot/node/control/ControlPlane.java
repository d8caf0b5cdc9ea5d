package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.JoinClusterReply;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.StatusReply;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * What a node answers to its operators. Implementations are thread-safe. Failures are {@link
 * ControlException}s; anything else is reported as an internal error.
 */
public interface ControlPlane {
  /** A picture of the node; may read the SQLite file, so it is called on a pool thread. */
  StatusReply status();

  /**
   * Completes when everything that was committed anywhere before the call is visible in this node's
   * file, and this node's own commits are on the others. Safe to repeat.
   */
  CompletionStage<BarrierReply> barrier(Duration timeout);

  /** A page of the conflict log: entries with a larger id, oldest first; reads the SQLite file. */
  ConflictsReply conflicts(long after, int limit);

  /** A page of the held rows, oldest first; reads the SQLite file. */
  HeldReply held(long after, int limit);

  /** Tries to store the held rows again; completes when all were tried. Safe to repeat. */
  CompletionStage<RetryReply> retry();

  /** Leadership, shards and members. */
  ClusterPlane cluster();

  /**
   * Tells a node that waits which cluster to join; completes when it knows it.
   *
   * @param to raft address of a member, as {@code host:port}
   */
  default CompletionStage<JoinClusterReply> join(String to) {
    throw new ControlException(
        ControlException.Kind.INVALID,
        "cannot join through " + to + ": this node does not wait for that (run --follow)");
  }

  /** Comparisons and backups. */
  default Safekeeping safekeeping() {
    throw new ControlException(
        ControlException.Kind.UNAVAILABLE, "cannot do this yet: this node is starting; try again");
  }

  /** Whether the process does its work at all; false only when a restart would help. */
  boolean alive();

  /** Whether all raft logs have leaders and this node replicates. */
  Readiness readiness();
}
