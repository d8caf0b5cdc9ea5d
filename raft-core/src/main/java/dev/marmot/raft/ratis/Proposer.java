package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.ProposeRequest;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.ProposalException.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings entries to the leaders of their logs, here or elsewhere. Thread-safe. */
final class Proposer {
  /** After this a proposal fails, with the outcome that is known then; tests wait less. */
  static final Duration TIME_LIMIT = Duration.ofSeconds(10);

  static final String METHOD = "propose";

  private static final Logger logger = LoggerFactory.getLogger(Proposer.class);

  // Bounds of what this node has proposed and not yet seen decided: the heap of a sidecar is small.
  private static final int MAX_OUTSTANDING = 1024;
  private static final long MAX_OUTSTANDING_BYTES = 32L << 20;

  private final NodeId self;
  private final LocalLogs logs;
  private final Peers peers;
  private final ScheduledExecutorService timer;
  private final Duration timeLimit;
  private final Set<Proposal> outstanding = ConcurrentHashMap.newKeySet();
  private final AtomicLong outstandingBytes = new AtomicLong();
  private volatile boolean closed;

  Proposer(
      NodeId self,
      LocalLogs logs,
      Peers peers,
      ScheduledExecutorService timer,
      Duration timeLimit) {
    this.self = self;
    this.logs = logs;
    this.peers = peers;
    this.timer = timer;
    this.timeLimit = timeLimit;
  }

  CompletableFuture<LogPosition> propose(LogId log, ByteString entry) {
    if (entry.size() > RatisOptions.MAX_ENTRY_BYTES) {
      return refused(
          log,
          "the entry has %d bytes, the limit is %d"
              .formatted(entry.size(), RatisOptions.MAX_ENTRY_BYTES));
    }
    if (closed) {
      return refused(log, "the node is closing");
    }
    long bytes = outstandingBytes.addAndGet(entry.size());
    if (outstanding.size() >= MAX_OUTSTANDING || bytes > MAX_OUTSTANDING_BYTES) {
      outstandingBytes.addAndGet(-entry.size());
      return refused(
          log,
          "%d proposals with %d bytes are undecided; wait for some of them"
              .formatted(outstanding.size(), bytes - entry.size()));
    }
    Proposal proposal = new Proposal(this, timer, log, entry, timeLimit);
    outstanding.add(proposal);
    var unused =
        proposal
            .result()
            .whenComplete(
                (position, failure) -> {
                  outstanding.remove(proposal);
                  outstandingBytes.addAndGet(-entry.size());
                });
    proposal.start();
    if (closed) {
      proposal.abandon("the node is closing");
    }
    return proposal.result();
  }

  private static CompletableFuture<LogPosition> refused(LogId log, String why) {
    return CompletableFuture.failedFuture(
        new ProposalException(Outcome.NOT_PROPOSED, "cannot propose to " + log + ": " + why));
  }

  NodeId self() {
    return self;
  }

  LocalLogs logs() {
    return logs;
  }

  /** One attempt at one node. Never completes exceptionally. */
  CompletableFuture<ProposeOutcome> attempt(
      NodeId leader, LogId log, ByteString entry, Duration timeLeft) {
    if (leader.equals(self)) {
      return logs.propose(log, entry);
    }
    ByteString request =
        ProposeRequest.newBuilder().setLog(log.number()).setEntry(entry).build().toByteString();
    return peers
        .call(leader, METHOD, request, timeLeft)
        .handle(
            (reply, failure) ->
                failure == null ? ProposeOutcome.of(leader, reply) : callFailed(failure));
  }

  private static ProposeOutcome callFailed(Throwable failure) {
    Throwable error =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String why = String.valueOf(error.getMessage());
    return error instanceof PeerCallException call && !call.mayHaveArrived()
        ? new ProposeOutcome.TryElsewhere(Optional.empty(), why)
        : new ProposeOutcome.Unknown(why);
  }

  /** Ratis names the leader of a log. Called under its lock: what follows happens later. */
  void leads(LogId log, NodeId leader) {
    try {
      timer.execute(() -> outstanding.forEach(proposal -> proposal.leads(log, leader)));
    } catch (RejectedExecutionException e) {
      logger.atDebug().addKeyValue("log", log).log("leader changed while closing");
    }
  }

  /** Fails what is undecided. */
  void close() {
    closed = true;
    outstanding.forEach(proposal -> proposal.abandon("the node is closing"));
  }
}
