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
  }
}
