package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.NodeIdentity;
import java.util.List;
import java.util.Optional;

/** Whether a node may join the cluster that answers, by its options. Pure functions. */
final class Joining {
  private Joining() {}

  /** Why not, for the operator; empty when it may. */
  static Optional<String> refusal(NodeConfig config, Address through, DescribeReply reply) {
    NodeIdentity cluster = reply.getIdentity();
    String cannot = "cannot join through %s as node %d: ".formatted(through, config.self().value());
    if (!reply.getRefusal().isEmpty()) {
      return Optional.of(cannot + reply.getRefusal());
    }
    boolean named = !config.cluster().equals(NodeConfigLoader.DEFAULT_CLUSTER);
    if (named && !config.cluster().equals(cluster.getClusterName())) {
      return Optional.of(
          cannot
              + "it belongs to cluster %s, and this node was started with cluster=%s; give the address"
                  .formatted(cluster.getClusterName(), config.cluster())
              + " of a member of that cluster, or leave the option out");
    }
    List<String> excluded = config.replication().excluded().globs();
    if (!excluded.equals(cluster.getExcludedList())) {
      return Optional.of(
          cannot
              + "its members were started with exclude=%s, this node with exclude=%s; give all nodes"
                  .formatted(
                      String.join(",", cluster.getExcludedList()), String.join(",", excluded))
              + " the same");
    }
    return Optional.empty();
  }
}
