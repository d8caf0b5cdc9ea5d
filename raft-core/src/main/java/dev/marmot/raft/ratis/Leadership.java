package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.TransferReply;
import dev.marmot.proto.v1.TransferRequest;
import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.shard.LeaderBalancer;
import dev.marmot.raft.shard.Move;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Moves leaders: by request, and evenly by itself. Thread-safe; balances on the timer thread. */
final class Leadership {
  static final String METHOD = "transfer";

  private static final Logger log = LoggerFactory.getLogger(Leadership.class);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration SETTLE = Duration.ofSeconds(2);
  private static final long TICK_MILLIS = 250;

  private final NodeId self;
  private final Members members;
  private final LogCopies copies;
  private final LocalLogs logs;
  private final Peers peers;
  private final ScheduledExecutorService timer;
  private final LeaderBalancer balancer;
  // Confined to the timer thread, like the balancer.
  private boolean moving;
  private volatile boolean settled;

  Leadership(
      Members members, LogCopies copies, LocalLogs logs, ScheduledExecutorService timer) {
    this.self = logs.self();
    this.members = members;
    this.copies = copies;
    this.logs = logs;
    this.peers = copies.peers();
    this.timer = timer;
    this.balancer = new LeaderBalancer(SETTLE);
  }

  void start() {
    // Ends with the timer, which belongs to the node.
    var unused =
        timer.scheduleWithFixedDelay(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  CompletableFuture<Void> transfer(LogId shard, NodeId to) {
    if (members.all().stream().noneMatch(member -> member.id().equals(to))) {
      return failed(shard, to, to + " is not a member of the cluster");
    }
    NodeId leader = logs.leader(shard).orElse(null);
    if (leader == null) {
      return failed(shard, to, "no leader is known; try again when there is one");
    }
    CompletableFuture<@Nullable String> error =
        leader.equals(self) ? logs.transfer(shard, to) : askLeader(leader, shard, to);
    return error.thenCompose(
        why -> why == null ? CompletableFuture.completedFuture(null) : failed(shard, to, why));
  }

  private CompletableFuture<@Nullable String> askLeader(NodeId leader, LogId shard, NodeId to) {
    ByteString request =
        TransferRequest.newBuilder()
            .setLog(shard.number())
            .setTo(to.value())
            .build()
            .toByteString();
    return peers
        .call(leader, METHOD, request, CALL_TIMEOUT)
        .handle((reply, failure) -> failure == null ? errorOf(reply) : failure.getMessage());
  }

  private static @Nullable String errorOf(ByteString reply) {
    try {
      String error = TransferReply.parseFrom(reply).getError();
      return error.isEmpty() ? null : error;
    } catch (InvalidProtocolBufferException e) {
      return "the leader's answer cannot be read: " + e.getMessage();
    }
  }

  private static <T> CompletableFuture<T> failed(LogId shard, NodeId to, String why) {
    return CompletableFuture.failedFuture(
        new IllegalStateException("cannot move the leader of " + shard + " to " + to + ": " + why));
  }

  /** Answers {@link #METHOD} of another node. */
  CompletableFuture<ByteString> handle(ByteString bytes) {
    TransferRequest request;
    try {
      request = TransferRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    return logs.transfer(new LogId(request.getLog()), new NodeId(request.getTo()))
        .thenApply(
            error ->
                TransferReply.newBuilder()
                    .setError(error == null ? "" : error)
                    .build()
                    .toByteString());
  }

  private void tick() {
    try {
      if (!logs.leads(LogId.ORDER)) {
        balancer.notLeading();
      } else if (!moving) {
        List<Move> moves = balancer.decide(System.nanoTime(), view());
        if (!moves.isEmpty()) {
          log.atInfo().addKeyValue("moves", moves.size()).log("spreading leaders");
          moving = true;
          next(moves.iterator());
        }
      }
      settled = !moving && balancer.atRest();
    } catch (RuntimeException e) {
      // An exception would end the schedule silently; balancing is never worth that.
      log.atWarn().setCause(e).log("balancing leaders failed");
    }
  }

  private LeaderBalancer.View view() {
    Map<LogId, NodeId> leaders = new HashMap<>();
    List<LogId> logIds = copies.logs();
    for (LogId shard : logIds) {
      logs.leader(shard).ifPresent(leader -> leaders.put(shard, leader));
    }
    return new LeaderBalancer.View(
        logs.otherLeader(LogId.ORDER), logIds.size(), leaders, logs.live(LogId.ORDER));
  }

  /** This node leads the order log, and no leader will move until the live nodes change. */
  boolean settled() {
    return settled;
  }

  /** One after the other: a burst of elections would disturb more than it saves. */
  private void next(Iterator<Move> moves) {
    if (!moves.hasNext()) {
      moving = false;
      return;
    }
    Move move = moves.next();
    var unused =
        transfer(move.log(), move.to())
            .whenCompleteAsync(
                (moved, failure) -> {
                  if (failure != null) {
                    log.atWarn()
                        .addKeyValue("log", move.log())
                        .addKeyValue("to", move.to())
                        .addKeyValue("cause", failure.getMessage())
                        .log("leader not moved");
                    balancer.moveFailed(System.nanoTime());
                  }
                  next(moves);
                },
                timer);
  }
}
