package dev.marmot.raft;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How a node takes part in its raft logs. Immutable.
 *
 * @param cluster cluster id; nodes of different clusters never talk Raft to each other
 * @param self this node
 * @param members everybody, this node included
 * @param bindHost address on which to listen; may be a wildcard
 * @param directory where the raft logs live; created when missing
 * @param handlers calls that this node answers, by method name; {@code propose} and {@code
 *     transfer} are taken by the implementation itself
 */
public record RaftOptions(
    String cluster,
    NodeId self,
    List<Member> members,
    String bindHost,
    int bindPort,
    Path directory,
    int shards,
    Map<String, PeerHandler> handlers) {
  public RaftOptions {
    members = List.copyOf(members);
    handlers = Map.copyOf(handlers);
  }
}
