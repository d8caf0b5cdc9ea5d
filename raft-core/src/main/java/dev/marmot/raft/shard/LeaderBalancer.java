package dev.marmot.raft.shard;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides when leaders are spread: once after each change of the set of live nodes. Confined to one
 * thread.
 *
 * <p>Only the leader of the order log acts. Between two changes nothing is moved, and what the
 * operator moved not even then. A node that takes the order log over from a live leader takes over
 * the peace as well; after the start of the cluster, or the death of the former leader, it spreads.
 */
public final class LeaderBalancer {
  private static final int MAX_ATTEMPTS = 3;

  private final long settleNanos;
  private @Nullable Set<NodeId> live;
  private int logs;
  private long since;
  private boolean due;
  private boolean inherited;
  private boolean requested;
  private int attempts;

  public LeaderBalancer(Duration settle) {
    this.settleNanos = settle.toNanos();
  }

  /**
   * What the leader of the order log sees.
   *
   * @param formerLeader who led the order log before this node, since this process started
   * @param logs number of logs
   * @param leaders known leaders
   * @param live nodes that answered lately and may lead
   * @param fixed logs that the operator moved
   */
  public record View(
      Optional<NodeId> formerLeader,
      int logs,
      Map<LogId, NodeId> leaders,
      Set<NodeId> live,
      Set<LogId> fixed) {
    public View {
      leaders = Map.copyOf(leaders);
      live = Set.copyOf(live);
      fixed = Set.copyOf(fixed);
    }
  }

  /** This node does not lead the order log now. */
  public void notLeading() {
    live = null;
    requested = false;
  }

  /** Called regularly while this node leads the order log: the moves that are due now. */
  public List<Move> decide(long nowNanos, View view) {
    if (live == null) {
      live = view.live();
      since = nowNanos;
      inherited = view.formerLeader().isPresent() && !requested;
      due = true;
      attempts = 0;
    } else if (!live.equals(view.live()) || logs != view.logs()) {
      live = view.live();
      since = nowNanos;
      inherited = false;
      due = true;
      attempts = 0;
    }
    logs = view.logs();
    if (!due || nowNanos - since < settleNanos || !allLed(view)) {
      return List.of();
    }
    due = false;
    requested = false;
    if (inherited && view.formerLeader().filter(view.live()::contains).isPresent()) {
      return List.of();
    }
    return Placement.moves(view.leaders(), view.live(), view.fixed());
  }

  /** Leaders are to be spread, whatever has changed. */
  public void request(long nowNanos) {
    due = true;
    inherited = false;
    requested = true; // also when it comes before this node's first look as leader
    since = nowNanos;
    attempts = 0;
  }

  /** A move that {@link #decide} asked for did not succeed: it is tried again, not for ever. */
  public void moveFailed(long nowNanos) {
    attempts++;
    if (attempts < MAX_ATTEMPTS) {
      due = true;
      inherited = false;
      since = nowNanos;
    }
  }

  /** Nothing to decide until the live nodes change. */
  public boolean atRest() {
    return live != null && !due;
  }

  private boolean allLed(View view) {
    return view.leaders().size() == view.logs() && view.live().containsAll(view.leaders().values());
  }
}
