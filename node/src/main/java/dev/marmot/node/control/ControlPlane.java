package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
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

  /** Whether the process does its work at all; false only when a restart would help. */
  boolean alive();

  /** Whether all raft logs have leaders and this node replicates. */
  Readiness readiness();
}
