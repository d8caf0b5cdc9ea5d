package dev.marmot.raft;

import java.util.Optional;
import java.util.Set;

/**
 * What this node knows of one raft log. Immutable.
 *
 * @param leader empty when unknown
 * @param committed highest index known to be committed here, -1 when none
 * @param floor where this node's copy begins
 * @param bytes of this node's copy on disk
 * @param voters members whose majority commits, as this node knows
 * @param listeners members that get everything and do not count
 * @param active whether it gets new entries; false for a shard that is retired
 * @param trouble what keeps this node's copy from going on; empty when nothing does
 */
public record LogStatus(
    LogId log,
    Optional<NodeId> leader,
    long term,
    long committed,
    Floor floor,
    long bytes,
    Set<NodeId> voters,
    Set<NodeId> listeners,
    boolean active,
    Optional<String> trouble) {
  public LogStatus {
    voters = Set.copyOf(voters);
    listeners = Set.copyOf(listeners);
  }
}
