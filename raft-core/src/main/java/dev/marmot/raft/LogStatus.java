package dev.marmot.raft;

import java.util.Optional;

/**
 * What this node knows of one raft log. Immutable.
 *
 * @param leader empty when unknown
 * @param committed highest index known to be committed here, -1 when none
 */
public record LogStatus(LogId log, Optional<NodeId> leader, long term, long committed) {}
