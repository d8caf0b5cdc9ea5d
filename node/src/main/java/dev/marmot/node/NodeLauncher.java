package dev.marmot.node;

import dev.marmot.node.config.NodeConfig;
import java.util.function.Consumer;

/** How {@code marmot run} starts a node: {@link Node#start}, or a fake in tests. */
@FunctionalInterface
public interface NodeLauncher {
  /**
   * Starts a node; may take as long as it takes to bring a database.
   *
   * @param progress told, in words for the operator, what the start is doing
   */
  RunningNode start(NodeConfig config, Consumer<String> progress);
}
