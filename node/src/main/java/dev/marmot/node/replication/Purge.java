package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells the logs what this node does not need any more: the order log up to the durable position,
 * each shard up to just below its first chunk that is not settled there (protocol.md §1, "Purge").
 * Confined to the origin's thread.
 */
public final class Purge {
  private final OrderedLogs logs;
  private final ReplicaStore store;
  private final ChunkIndex chunks;
  private final ProtocolRules rules;

  /** What the logs were told: their own floors follow much later. */
  private final Map<LogId, Long> told = new HashMap<>();

  public Purge(OrderedLogs logs, ReplicaStore store, ChunkIndex chunks, ProtocolRules rules) {
    this.logs = logs;
    this.store = store;
    this.chunks = chunks;
    this.rules = rules;
  }

  /** One look at everything. */
  public void step() {
    ReplicaState state = store.state();
    if (chunks.held() || state.position() < 0) {
      return;
    }
    // The position may be ahead of the own copy, after an install.
    long applied = Math.min(state.position(), logs.committed(LogId.ORDER));
    Map<LogId, Long> floors = new HashMap<>(chunks.floors(state));
    if (behindOwnFloor(state)) {
      return; // looked at last: a copy that skipped before the floors were read is seen here
    }
    floors.put(LogId.ORDER, applied + 1);
    floors.entrySet().removeIf(floor -> floor.getValue() <= known(floor.getKey()));
    if (floors.isEmpty()) {
      return;
    }
    if (rules.keep(Rule.PURGE_BY_DURABLE_STATE)) {
      store.sync(); // so the state that was read before is durable
    }
    floors.forEach((log, index) -> logs.raiseFloor(log, new Floor(index, state.position())));
    told.putAll(floors);
  }

  /**
   * A higher floor with the position of now would say that the state below the old one is here: the
   * chunks that it needs are not, so nothing here looks unsettled.
   */
  private boolean behindOwnFloor(ReplicaState state) {
    return rules.keep(Rule.PURGE_NOT_BEFORE_OWN_FLOOR) && state.position() < Floors.needed(logs);
  }

  private long known(LogId log) {
    return Math.max(logs.floor(log).index(), told.getOrDefault(log, Floor.NONE.index()));
  }
}
