package dev.marmot.node;

import dev.marmot.node.config.NodeConfig;

/** How {@code marmot run} starts a node: {@link Node#start}, or a fake in tests. */
@FunctionalInterface
public interface NodeLauncher {
  RunningNode start(NodeConfig config);
}
