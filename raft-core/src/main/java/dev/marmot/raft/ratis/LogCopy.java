package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.Retention;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * This node's copy of one log, and what of it was handed over, whichever state machine serves it:
 * Ratis makes a new one when it opens the log again. Thread-safe.
 */
final class LogCopy {
  private final LogId log;
  private final CopyFloor floor;
  private final AtomicLong committed = new AtomicLong(LogPosition.NONE.index());
  private volatile @Nullable NodeId otherLeader;
  private volatile @Nullable LogStateMachine machine;
  private volatile @Nullable Told told;
  private volatile @Nullable String end;
  private volatile @Nullable String trouble;

  /**
   * What a leader said of itself. Immutable.
   *
   * @param committed index up to which its log is committed
   */
  record Told(NodeId leader, long committed, long nanos) {}

  LogCopy(LogId log, Retention retention) {
    this.log = log;
    this.floor = new CopyFloor(retention);
  }

  LogId log() {
    return log;
  }

  CopyFloor floor() {
    return floor;
  }

  /** Highest index that was handed over, or that holds an entry of Raft's own. */
  long committed() {
    return committed.get();
  }

  /** Never goes back. */
  void committed(long index) {
    committed.accumulateAndGet(index, Math::max);
  }

  /** The last entry was not handed over after all. */
  void takeBack(long before) {
    committed.set(before);
  }

  /** The last leader other than this node, since start. */
  Optional<NodeId> otherLeader() {
    return Optional.ofNullable(otherLeader);
  }

  void otherLeader(NodeId leader) {
    otherLeader = leader;
  }

  /** Null before Ratis opens the log. */
  @Nullable LogStateMachine machine() {
    return machine;
  }

  void machine(LogStateMachine opened) {
    machine = opened;
    end = null;
  }

  /** Ratis serves this log no more, for whatever reason: it is to be opened again. */
  void ended(LogStateMachine by, String why) {
    if (machine == by) {
      end = why;
    }
  }

  /** Why the log is to be opened again; null when it is open. */
  @Nullable String end() {
    return end;
  }

  /** The copy begins anew: what it held was Raft's own, and nobody got any of it. */
  void forget() {
    committed.set(LogPosition.NONE.index());
    told = null;
  }

  /** A leader's message came in. */
  void told(NodeId leader, long leaderCommitted, long nanos) {
    told = new Told(leader, leaderCommitted, nanos);
  }

  /** The newest message of a leader; null when none came since the copy began. */
  @Nullable Told told() {
    return told;
  }

  /** It was closed for a while, and may be opened again. */
  void parked(String why) {
    end = why;
  }

  /** It could not be opened again; it will be tried. */
  void failed(String why) {
    end = why;
    trouble = why;
  }

  /** What keeps the copy from going on. */
  Optional<String> trouble() {
    return Optional.ofNullable(trouble);
  }

  void trouble(@Nullable String what) {
    trouble = what;
  }
}
