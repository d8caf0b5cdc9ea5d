package dev.marmot.node.verify;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.peer.Barrier;
import dev.marmot.node.replication.Replicator;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyReport;
import dev.marmot.proto.v1.VerifyRequest;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares all nodes for whoever asks this one, one comparison at a time, on a thread of its own.
 * Thread-safe.
 */
public final class Verifier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Verifier.class);
  private static final Duration DEFAULT_WAIT = Duration.ofSeconds(30);
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(20);

  private final RaftNode raft;
  private final NodeId self;
  private final Replicator replicator;
  private final Barrier barrier;
  private final ExecutorService thread;
  private final AtomicBoolean busy = new AtomicBoolean();

  public Verifier(RaftNode raft, NodeId self, Replicator replicator, Barrier barrier) {
    this.raft = raft;
    this.self = self;
    this.replicator = replicator;
    this.barrier = barrier;
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread worker = new Thread(task, self + "-verifier");
              worker.setDaemon(true);
              return worker;
            });
  }

  /** Compares, and repairs if asked to; completes with what was found. */
  public CompletionStage<VerifyReply> verify(VerifyRequest request) {
    long millis = request.getWaitMillis();
    if (millis < 0 || millis > LONGEST_WAIT.toMillis()) {
      return CompletableFuture.failedFuture(
          new ControlException(Kind.INVALID, "wait: must be at most 20m (got " + millis + " ms)"));
    }
    if (!busy.compareAndSet(false, true)) {
      return CompletableFuture.failedFuture(
          new ControlException(
              Kind.BUSY, "cannot compare: this node is comparing already; try again later"));
    }
    Duration wait = millis == 0 ? DEFAULT_WAIT : Duration.ofMillis(millis);
    try {
      return CompletableFuture.supplyAsync(() -> run(wait, request.getRepair()), thread)
          .whenComplete((reply, failure) -> busy.set(false));
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(
          new ControlException(Kind.UNAVAILABLE, "cannot compare: this node is stopping", e));
    }
  }

  private VerifyReply run(Duration wait, boolean repair) {
    VerifyReply.Builder reply = VerifyReply.newBuilder();
    long sent;
    try (Round round = new Round(raft, self)) {
      round.compare(replicator::propose, wait);
      VerifyReport report = noted(round.report());
      if (!repair || report.getEqual() || !round.complete()) {
        return reply.setReport(report).build();
      }
      sent = new Repair(self.value(), round).run();
      reply.setBeforeRepair(report).setResent(sent).setReport(report);
    }
    if (sent == 0) {
      return reply.clearBeforeRepair().build();
    }
    long everything = ordered(sent, wait);
    log.atInfo().addKeyValue("rows", sent).addKeyValue("position", everything).log("repaired");
    try (Round again = new Round(raft, self)) {
      again.compare(replicator::propose, wait);
      return reply.setReport(noted(again.report())).build();
    }
  }

  /** Waits until the rows that were sent again are on all nodes. */
  private long ordered(long sent, Duration wait) {
    try {
      return barrier.pass(wait).toCompletableFuture().join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new ControlException(
          Kind.UNKNOWN_OUTCOME,
          "cannot confirm the repair: %d rows were sent again, but: %s; run `marmot verify` when a"
                  .formatted(
                      sent,
                      cause instanceof TimeoutException
                          ? "they were not everywhere within %d s".formatted(wait.toSeconds())
                          : cause.getMessage())
              + " majority is up",
          e);
    }
  }

  private static VerifyReport noted(VerifyReport report) {
    log.atInfo()
        .addKeyValue("position", report.getPosition())
        .addKeyValue("equal", report.getEqual())
        .addKeyValue("differences", report.getDifferencesCount())
        .addKeyValue("millis", report.getTookMillis())
        .log("compared");
    return report;
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
