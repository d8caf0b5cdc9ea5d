package dev.marmot.raft;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How a node takes part in its raft logs. Immutable.
 *
 * @param cluster cluster id; nodes of different clusters never talk Raft to each other
 * @param self this node
 * @param members with whom a log begins that is not on disk yet, this node included; afterwards the
 *     members on disk count, and these are only addresses
 * @param bindHost address on which to listen; may be a wildcard
 * @param directory where the raft logs live; created when missing
 * @param shards number of data shards when the cluster begins; afterwards the number on disk counts
 * @param handlers calls that this node answers, by method name; the names that the implementation
 *     takes itself are refused
 * @param retention what a log keeps for members that lag
 * @param join whether a directory without logs waits to be added to a running cluster ({@link
 *     RaftNode#add}); the members are then only whom to call. A directory that was in use goes on
 */
public record RaftOptions(
    String cluster,
    NodeId self,
    List<Member> members,
    String bindHost,
    int bindPort,
    Path directory,
    int shards,
    Map<String, PeerHandler> handlers,
    Retention retention,
    boolean join) {
  public RaftOptions {
    members = List.copyOf(members);
    handlers = Map.copyOf(handlers);
  }

  public RaftOptions(
      String cluster,
      NodeId self,
      List<Member> members,
      String bindHost,
      int bindPort,
      Path directory,
      int shards,
      Map<String, PeerHandler> handlers) {
    this(
        cluster,
        self,
        members,
        bindHost,
        bindPort,
        directory,
        shards,
        handlers,
        Retention.DEFAULT,
        false);
  }

  /** The same with other limits on what logs keep. */
  public RaftOptions withRetention(Retention other) {
    return new RaftOptions(
        cluster, self, members, bindHost, bindPort, directory, shards, handlers, other, join);
  }

  /** The same, waiting to be added to a running cluster. */
  public RaftOptions joining() {
    return new RaftOptions(
        cluster, self, members, bindHost, bindPort, directory, shards, handlers, retention, true);
  }
}
