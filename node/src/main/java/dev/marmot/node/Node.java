package dev.marmot.node;

import dev.marmot.node.config.NodeConfig;
import java.nio.file.Path;

/** The composition root. Immutable. */
@SuppressWarnings("DoNotCallSuggester") // until the replication is wired in
public final class Node {
  private Node() {}

  /**
   * Starts a node. Returns as soon as its parts run, without waiting for a quorum.
   *
   * @throws IllegalStateException when it cannot start, with a message for the operator
   */
  public static RunningNode start(NodeConfig config) {
    throw new IllegalStateException(
        "cannot start node " + config.self() + ": this build has no replication yet");
  }

  /** Removes every trace of Marmot from a SQLite file. */
  public static void cleanup(Path database) {
    throw new IllegalStateException(
        "cannot clean up " + database + ": this build has no replication yet");
  }
}
