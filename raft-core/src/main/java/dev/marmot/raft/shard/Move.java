package dev.marmot.raft.shard;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;

/** Leadership of a log that should go to another node. Immutable. */
public record Move(LogId log, NodeId to) {}
