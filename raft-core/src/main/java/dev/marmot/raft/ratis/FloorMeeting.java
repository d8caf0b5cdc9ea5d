package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.FloorReply;
import dev.marmot.proto.v1.FloorRequest;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.server.protocol.TermIndex;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens when the leader's copy of a log begins later than the own one ends: ask for its
 * floor, wait until the node stands there, go on from it. Thread-safe.
 *
 * <p>Ratis asks once and then refuses all entries until its question is answered and it has heard
 * of the same leader again. So a question of a former leader is given up, and an answer that Ratis
 * does not fetch is noticed.
 */
final class FloorMeeting {
  static final String METHOD = "floor";

  private static final Logger logger = LoggerFactory.getLogger(FloorMeeting.class);
  private static final Duration ASK_TIMEOUT = Duration.ofSeconds(5);

  /** Ratis asks again at once when it is told of a failure. */
  private static final long RETRY_MILLIS = 500;

  /** The leader's floor moves on while this node catches up; following it must end. */
  private static final int MAX_ROUNDS = 5;

  private final LogCopy copy;
  private final OrderedLogs.Listener listener;
  private final Peers peers;
  private final ScheduledExecutorService worker;
  private final FailureSignal failures;

  @GuardedBy("this")
  private @Nullable Attempt attempt;

  FloorMeeting(
      LogCopy copy,
      OrderedLogs.Listener listener,
      Peers peers,
      ScheduledExecutorService worker,
      FailureSignal failures) {
    this.copy = copy;
    this.listener = listener;
    this.peers = peers;
    this.worker = worker;
    this.failures = failures;
  }

  /** One question of Ratis. Its mutable state is guarded by the meeting. */
  private static final class Attempt {
    final NodeId leader;
    final CompletableFuture<@Nullable TermIndex> answer = new CompletableFuture<>();
    long answeredNanos;
    boolean answered;

    Attempt(NodeId leader) {
      this.leader = leader;
    }
  }

  /**
   * Answers Ratis. Called under its lock: returns at once.
   *
   * @param first lowest index that the leader has
   * @return null when the leader's copy begins with the log, so that nothing is missing
   */
  CompletableFuture<@Nullable TermIndex> meet(NodeId leader, long first) {
    if (first <= 0) {
      return CompletableFuture.completedFuture(null);
    }
    Attempt now = new Attempt(leader);
    synchronized (this) {
      attempt = now;
    }
    logger
        .atInfo()
        .addKeyValue("log", copy.log())
        .addKeyValue("leader", leader)
        .addKeyValue("first", first)
        .addKeyValue("committed", copy.committed())
        .log("behind the leader's copy");
    execute(() -> ask(now, null, 1));
    return now.answer;
  }

  /** A node that joins may hear of the leader here first. */
  void introduce(Member leader) {
    peers.introduce(leader);
  }

  private void ask(Attempt now, @Nullable CopyStart reached, int round) {
    if (now.answer.isDone()) {
      return;
    }
    FloorRequest request = FloorRequest.newBuilder().setLog(copy.log().number()).build();
    var unused =
        peers
            .call(now.leader, METHOD, request.toByteString(), ASK_TIMEOUT)
            .thenApply(FloorMeeting::startOf)
            .whenCompleteAsync(
                (start, failure) -> {
                  if (failure != null || start == null) {
                    retryLater(now, "the leader did not tell its floor: " + failure);
                  } else if (reached != null
                      && (round > MAX_ROUNDS || start.floor().index() <= reached.floor().index())) {
                    answer(now, reached);
                  } else {
                    catchUp(now, start, round);
                  }
                },
                worker);
  }

  private static @Nullable CopyStart startOf(com.google.protobuf.ByteString reply) {
    try {
      FloorReply floor = FloorReply.parseFrom(reply);
      return floor.hasFloor() ? CopyStart.of(floor.getFloor()) : null;
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the answer cannot be read: " + e.getMessage(), e);
    }
  }

  private void catchUp(Attempt now, CopyStart start, int round) {
    var unused =
        listener
            .behind(copy.log(), start.floor())
            .whenComplete(
                (floor, failure) -> {
                  if (failure != null) {
                    retryLater(now, "the node did not catch up: " + failure.getMessage());
                  } else {
                    CopyStart reached = new CopyStart(start.term(), floor);
                    execute(() -> ask(now, reached, round + 1));
                  }
                });
  }

  private void answer(Attempt now, CopyStart reached) {
    CopyStart stored;
    try {
      stored = copy.floor().store(reached);
    } catch (IOException e) {
      failures.report(
          new IllegalStateException(
              "cannot store the floor of " + copy.log() + ": " + e.getMessage(), e));
      return;
    }
    synchronized (this) {
      now.answered = true;
      now.answeredNanos = System.nanoTime();
    }
    now.answer.complete(stored.below());
  }

  private void retryLater(Attempt now, String why) {
    logger
        .atWarn()
        .addKeyValue("log", copy.log())
        .addKeyValue("leader", now.leader)
        .addKeyValue("reason", why)
        .log("still behind the leader's copy");
    try {
      var unused = worker.schedule(() -> giveUp(now, why), RETRY_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      giveUp(now, "the node is closing");
    }
  }

  private void giveUp(Attempt now, String why) {
    synchronized (this) {
      if (attempt == now && !now.answered) {
        attempt = null;
      }
    }
    now.answer.completeExceptionally(new IllegalStateException(why));
  }

  /** Called under a lock of Ratis. */
  void leaderChanged(NodeId leader) {
    Attempt now;
    synchronized (this) {
      now = attempt;
    }
    if (now != null && !now.leader.equals(leader)) {
      execute(() -> giveUp(now, leader + " leads now"));
    }
  }

  /** Ratis goes on from the floor that it was told. */
  synchronized void reloaded() {
    attempt = null;
  }

  /** Whether Ratis waits for an answer, or was answered and has not gone on yet. */
  synchronized boolean open() {
    return attempt != null;
  }

  /** Ratis was answered so long ago that it has lost the answer. */
  synchronized boolean stuck(long nowNanos, Duration limit) {
    return attempt != null
        && attempt.answered
        && nowNanos - attempt.answeredNanos > limit.toNanos();
  }

  private void execute(Runnable task) {
    try {
      ((Executor) worker).execute(task);
    } catch (RejectedExecutionException e) {
      // The node is closing, and Ratis with it.
      logger.atDebug().addKeyValue("log", copy.log()).log("not caught up: closing");
    }
  }
}
