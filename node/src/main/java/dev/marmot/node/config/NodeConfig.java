package dev.marmot.node.config;

import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Everything that a node is told at its start. Immutable.
 *
 * @param cluster name of the cluster; nodes of different clusters never talk to each other
 * @param database the application's SQLite file
 * @param pane the control pane
 * @param notes what the operator should read once: options that no longer do anything
 */
public record NodeConfig(
    NodeId self,
    String cluster,
    Path database,
    RaftConfig raft,
    PaneConfig pane,
    ReplicationConfig replication,
    List<String> notes) {
  public NodeConfig {
    notes = List.copyOf(notes);
  }

  /** The same node, which joins a running cluster now. */
  public NodeConfig joining(Address member) {
    RaftConfig joining =
        new RaftConfig(
            raft.members(),
            raft.bind(),
            raft.directory(),
            raft.shards(),
            raft.maxLogEntries(),
            false,
            Optional.of(member),
            raft.adopt(),
            raft.seedFrom(),
            raft.replace());
    return new NodeConfig(self, cluster, database, joining, pane, replication, notes);
  }

  /**
   * How this node takes part in Raft.
   *
   * @param members everybody, this node included; only this node for a cluster of one
   * @param bind where to listen; may be a wildcard address
   * @param directory this node's own directory, {@code <raft-path>/node-<id>}
   * @param maxLogEntries entries that a raft log keeps for nodes that lag behind
   * @param follow start no raft log now; somebody adds this node later
   * @param join raft address of a member of the running cluster that this node is to join
   * @param adopt the file's rows give way to those of the cluster; a copy of the file is kept
   * @param seedFrom node whose content all take at the first start of a cluster, where files differ
   * @param replace with join: even if a member with this number seems to be alive
   */
  public record RaftConfig(
      List<Member> members,
      Address bind,
      Path directory,
      int shards,
      int maxLogEntries,
      boolean follow,
      Optional<Address> join,
      boolean adopt,
      Optional<NodeId> seedFrom,
      boolean replace) {
    public RaftConfig {
      members = List.copyOf(members);
    }
  }

  /**
   * The control pane.
   *
   * @param authKey what requests must carry; empty: loopback only
   */
  public record PaneConfig(Address bind, AuthKey authKey) {}

  /**
   * How changes travel.
   *
   * @param inlineLimit payloads below this many bytes travel inside the order log; 0: never
   * @param maxChangeSetRows rows up to which what was committed together stays together
   * @param maxApply how long applying should hold the write lock at most
   * @param maxRowBytes larger rows are not sent
   * @param excluded tables that do not replicate; the same on all nodes
   */
  public record ReplicationConfig(
      int inlineLimit,
      int maxChangeSetRows,
      Duration maxApply,
      int maxRowBytes,
      TablePatterns excluded) {}
}
