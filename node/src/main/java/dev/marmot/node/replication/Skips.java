package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.ReplicaStore;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies of this node that ended below what their leaders still have. Where the durable
 * position is high enough, nothing of the hole is needed, and the copy skips it; else a snapshot
 * has to come first (protocol.md §1, "Meeting a floor"). Thread-safe; {@link #step} belongs to the
 * origin's thread.
 *
 * <p>One case would wait for itself: the snapshot is complete only when writes of its donor are
 * ordered, and a majority for that exists only with this copy. So a copy skips also while the donor
 * says that it waits. What is then missing holds the applying back, as after the loss of a file,
 * until the snapshot has brought it.
 */
public final class Skips {
  private static final Logger logger = LoggerFactory.getLogger(Skips.class);

  private final ReplicaStore store;
  private final ProtocolRules rules;
  private final Map<LogId, Waiting> waiting = new HashMap<>();

  private long waitingDonor = -1;

  private record Waiting(Floor floor, CompletableFuture<Floor> allowed) {}

  public Skips(ReplicaStore store, ProtocolRules rules) {
    this.store = store;
    this.rules = rules;
  }

  /** A copy met a floor; completes when it may skip, with what it is to go on from. */
  public synchronized CompletionStage<Floor> behind(LogId log, Floor floor) {
    Waiting now = new Waiting(floor, new CompletableFuture<>());
    Waiting before = waiting.put(log, now);
    if (before != null && before.floor().position() <= floor.position()) {
      // What is enough for the higher floor is enough for the lower one.
      Floor lower = before.floor();
      var unused =
          now.allowed()
              .thenAccept(
                  higher ->
                      before.allowed().complete(higher.ahead() ? lower.beforeState() : lower));
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
            if (reached(one.floor(), position) || donorWaitsAt(one.floor())) {
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
    allowed.forEach((log, one) -> one.allowed().complete(goOnFrom(log, one.floor(), position)));
  }

  private Floor goOnFrom(LogId log, Floor floor, long position) {
    if (reached(floor, position)) {
      return floor;
    }
    logger
        .atInfo()
        .addKeyValue("log", log)
        .addKeyValue("floor", floor.index())
        .addKeyValue("needed", floor.position())
        .log("the copy goes on before its state is here: the donor's own writes wait for it");
    return floor.beforeState();
  }

  private boolean reached(Floor floor, long position) {
    return floor.position() <= position || !rules.keep(Rule.SKIP_ONLY_WHAT_IS_OLD);
  }

  private boolean donorWaitsAt(Floor floor) {
    return floor.position() <= waitingDonor && rules.keep(Rule.SKIP_AHEAD_FOR_THE_DONOR);
  }

  /**
   * The donor of the snapshot that this node needs waits until writes of its own are ordered.
   *
   * @param position where it stands; -1 when nobody waits any more
   */
  public synchronized void donorWaits(long position) {
    waitingDonor = position;
  }

  /** The position that the met floors ask for; -1 when none does. */
  public synchronized long needed() {
    return waiting.values().stream().mapToLong(one -> one.floor().position()).max().orElse(-1);
  }
}
