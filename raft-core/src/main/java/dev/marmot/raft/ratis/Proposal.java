package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.ProposalException.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One entry on its way to the leader of its log: attempts one after the other, only as long as the
 * entry is certainly not appended. Thread-safe.
 */
final class Proposal {
  private static final long FIRST_PAUSE_MILLIS = 5;
  private static final long LONGEST_PAUSE_MILLIS = 250;

  private final Proposer proposer;
  private final ScheduledExecutorService timer;
  private final LogId log;
  private final ByteString entry;
  private final CompletableFuture<LogPosition> result = new CompletableFuture<>();
  private final Duration timeLimit;
  private final long deadline;

  /** Whom the entry was sent to and has not answered yet. */
  @GuardedBy("this")
  private @Nullable NodeId inFlight;

  @GuardedBy("this")
  private String lastReason = "no leader is known";

  @GuardedBy("this")
  private long pauseMillis = FIRST_PAUSE_MILLIS;

  private volatile Optional<NodeId> suggested = Optional.empty();

  Proposal(
      Proposer proposer,
      ScheduledExecutorService timer,
      LogId log,
      ByteString entry,
      Duration timeLimit) {
    this.proposer = proposer;
    this.timer = timer;
    this.log = log;
    this.entry = entry;
    this.timeLimit = timeLimit;
    this.deadline = System.nanoTime() + timeLimit.toNanos();
  }

  CompletableFuture<LogPosition> result() {
    return result;
  }

  void start() {
    ScheduledFuture<?> expiry = schedule(this::expire, timeLimit.toMillis());
    if (expiry != null) {
      var unused = result.whenComplete((position, failure) -> expiry.cancel(false));
      attempt();
    }
  }

  private void attempt() {
    NodeId leader = suggested.or(() -> proposer.logs().leader(log)).orElse(null);
    if (leader == null) {
      again(Optional.empty(), "no leader is known");
      return;
    }
    synchronized (this) {
      if (result.isDone()) {
        return;
      }
      inFlight = leader;
    }
    Duration timeLeft = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
    var unused =
        proposer
            .attempt(leader, log, entry, timeLeft)
            .thenAccept(outcome -> settle(leader, outcome));
  }

  private void settle(NodeId asked, ProposeOutcome outcome) {
    if (outcome instanceof ProposeOutcome.Done done) {
      result.complete(done.position());
    } else if (outcome instanceof ProposeOutcome.Unknown unknown) {
      fail(Outcome.UNKNOWN, unknown.why());
    } else if (outcome instanceof ProposeOutcome.Refused refused) {
      fail(Outcome.NOT_PROPOSED, refused.why());
    } else if (outcome instanceof ProposeOutcome.TryElsewhere elsewhere) {
      // A hint is followed once; what it leads to is judged anew.
      again(elsewhere.leader().filter(leader -> !leader.equals(asked)), elsewhere.why());
    }
  }

  private void again(Optional<NodeId> hint, String why) {
    long pause;
    synchronized (this) {
      inFlight = null;
      lastReason = why;
      pause = pauseMillis;
      pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
    }
    suggested = hint;
    var unused = schedule(this::attempt, pause);
  }

  private void expire() {
    abandon("no answer within " + timeLimit.toMillis() + " ms");
  }

  /**
   * Somebody leads the log. A former leader that still owes an answer may hang, or be cut off, and
   * would owe it until the time limit.
   */
  void leads(LogId of, NodeId leader) {
    synchronized (this) {
      if (!of.equals(log) || inFlight == null || inFlight.equals(leader)) {
        return;
      }
    }
    abandon(leader + " leads it now");
  }

  /** Fails now, with the outcome that is known now. */
  void abandon(String why) {
    synchronized (this) {
      // Under the lock, so that no attempt begins after "not proposed" was said.
      if (inFlight != null) {
        fail(Outcome.UNKNOWN, why);
      } else {
        fail(Outcome.NOT_PROPOSED, why + "; " + lastReason);
      }
    }
  }

  private void fail(Outcome outcome, String why) {
    result.completeExceptionally(
        new ProposalException(
            outcome,
            "cannot propose to "
                + log
                + ": "
                + why
                + (outcome == Outcome.UNKNOWN
                    ? "; the entry may still be committed"
                    : "; the entry was not proposed")));
  }

  private @Nullable ScheduledFuture<?> schedule(Runnable task, long millis) {
    try {
      return timer.schedule(task, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      abandon("the node is closing");
      return null;
    }
  }
}
