package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.ReplicaStore;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * The copies of this node that ended below what their leaders still have. Where the durable
 * position is high enough, nothing of the hole is needed, and the copy skips it; else a snapshot
 * has to come first (protocol.md §1, "Meeting a floor"). Thread-safe; {@link #step} belongs to the
 * origin's thread.
 */
public final class Skips {
  private final ReplicaStore store;
  private final ProtocolRules rules;
  private final Map<LogId, Waiting> waiting = new HashMap<>();

  private record Waiting(Floor floor, CompletableFuture<Void> allowed) {}

  public Skips(ReplicaStore store, ProtocolRules rules) {
    this.store = store;
    this.rules = rules;
  }

  /** A copy met a floor; completes when it may skip to it. */
  public synchronized CompletionStage<Void> behind(LogId log, Floor floor) {
    Waiting now = new Waiting(floor, new CompletableFuture<>());
    Waiting before = waiting.put(log, now);
    if (before != null && before.floor().position() <= floor.position()) {
      // What is enough for the higher floor is enough for the lower one.
      var unused = now.allowed().whenComplete((done, failure) -> before.allowed().complete(null));
    } else if (before != null) {
      before.allowed().cancel(false); // another leader, who still has more
    }
    return now.allowed();
  }

  /** Lets the copies go on for which this node's state is new enough. */
  public void step() {
    long position = store.state().position();
    Map<LogId, Waiting> allowed = new HashMap<>();
    synchronized (this) {
      waiting.forEach(
          (log, one) -> {
            if (one.floor().position() <= position || !rules.keep(Rule.SKIP_ONLY_WHAT_IS_OLD)) {
              allowed.put(log, one);
            }
          });
    }
    if (allowed.isEmpty()) {
      return;
    }
    store.sync(); // a power loss must not take the position back below the hole
    synchronized (this) {
      allowed.forEach(waiting::remove);
    }
    allowed.values().forEach(one -> one.allowed().complete(null));
  }

  /** The position that the met floors ask for; -1 when none does. */
  public synchronized long needed() {
    return waiting.values().stream().mapToLong(one -> one.floor().position()).max().orElse(-1);
  }
}
