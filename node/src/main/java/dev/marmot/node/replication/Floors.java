package dev.marmot.node.replication;

import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;

/** What the own copies of the logs say about the state that belongs to them. Stateless. */
public final class Floors {
  private Floors() {}

  /** The lowest position from which this node's copies can be applied; -1 from the beginning. */
  public static long needed(OrderedLogs logs) {
    long needed = logs.floor(LogId.ORDER).position();
    for (int shard = 1; shard <= logs.allShards(); shard++) {
      needed = Math.max(needed, logs.floor(LogId.shard(shard)).position());
    }
    return needed;
  }
}
