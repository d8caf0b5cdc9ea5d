package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.AliveReply;
import dev.marmot.proto.v1.TransferReply;
import dev.marmot.proto.v1.TransferRequest;
import dev.marmot.raft.ChangeException;
import dev.marmot.raft.ChangeException.Outcome;
import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerCallException.Arrival;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.shard.LeaderBalancer;
import dev.marmot.raft.shard.Move;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
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
  private static final Duration DRAIN_LIMIT = Duration.ofSeconds(20);
  private static final String PIN = "pin";
  private static final String DRAIN = "drain";
  private static final String REBALANCE = "rebalance";
  private static final long TICK_MILLIS = 250;

  /** In ticks: how often members are asked whether they may lead. */
  private static final int ASK_EVERY = 4;

  private final NodeId self;
  private final Members members;
  private final LogCopies copies;
  private final LocalLogs logs;
  private final Peers peers;
  private final ScheduledExecutorService timer;
  private final LeaderBalancer balancer;
  private final LeadingGate gate;

  /** Where the operator moved leaders; all members know. */
  private final Map<LogId, NodeId> pins = new ConcurrentHashMap<>();

  /** Who said lately whether it may lead. */
  private final Map<NodeId, Boolean> able = new ConcurrentHashMap<>();

  // Confined to the timer thread, like the balancer.
  private boolean moving;
  private int ticks;
  private volatile boolean settled;

  Leadership(
      Members members,
      LogCopies copies,
      LocalLogs logs,
      LeadingGate gate,
      ScheduledExecutorService timer) {
    this.self = logs.self();
    this.members = members;
    this.copies = copies;
    this.logs = logs;
    this.peers = copies.peers();
    this.gate = gate;
    this.timer = timer;
    this.balancer = new LeaderBalancer(SETTLE);
  }

  void start() {
    // Ends with the timer, which belongs to the node.
    var unused =
        timer.scheduleWithFixedDelay(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  Map<String, PeerHandler> handlers() {
    return Map.of(
        METHOD,
        this::handle,
        PIN,
        this::pin,
        DRAIN,
        bytes -> drained(),
        REBALANCE,
        bytes -> unpinned());
  }

  /** By the operator: it stays there. */
  CompletableFuture<Void> transfer(LogId shard, NodeId to) {
    return move(shard, to).thenRun(() -> pinEverywhere(shard, to));
  }

  private void pinEverywhere(LogId log, NodeId to) {
    pins.put(log, to);
    ByteString pin =
        TransferRequest.newBuilder().setLog(log.number()).setTo(to.value()).build().toByteString();
    for (Member member : members.all()) {
      // Whoever is down now forgets pins anyway.
      var unused = peers.call(member.id(), PIN, pin, CALL_TIMEOUT);
    }
  }

  private CompletableFuture<ByteString> pin(ByteString bytes) {
    try {
      TransferRequest request = TransferRequest.parseFrom(bytes);
      pins.put(new LogId(request.getLog()), new NodeId(request.getTo()));
      return CompletableFuture.completedFuture(ByteString.EMPTY);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  CompletableFuture<Void> drain(NodeId node) {
    return peers
        .call(node, DRAIN, ByteString.EMPTY, DRAIN_LIMIT.plusSeconds(5))
        .handle(
            (reply, failure) -> {
              if (failure != null) {
                throw undrained(node, Changes.root(failure));
              }
              return null;
            });
  }

  private static RuntimeException undrained(NodeId node, Throwable failure) {
    if (failure instanceof PeerCallException call) {
      return call.arrival() == Arrival.REFUSED
          ? new ChangeException(Outcome.NOT_NOW, call.reason(), call)
          : Changes.unanswered("cannot drain " + node + ": it does not answer: ", call);
    }
    return failure instanceof RuntimeException known ? known : new CompletionException(failure);
  }

  /** Gives up what this node leads; completes when it leads nothing. */
  private CompletableFuture<ByteString> drained() {
    List<LogId> alone =
        copies.logs().stream().filter(id -> logs.leads(id) && logs.live(id).size() < 2).toList();
    if (!alone.isEmpty()) {
      return CompletableFuture.failedFuture(
          new ChangeException(
              Outcome.NOT_NOW,
              "cannot drain %s: no other member of %s is up; start one first"
                  .formatted(self, alone)));
    }
    gate.drain(true);
    CompletableFuture<ByteString> done = new CompletableFuture<>();
    long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
    var check =
        timer.scheduleWithFixedDelay(
            () -> {
              List<LogId> left = copies.logs().stream().filter(logs::leads).toList();
              if (left.isEmpty()) {
                done.complete(ByteString.EMPTY);
              } else if (System.nanoTime() > deadline) {
                gate.drain(false);
                done.completeExceptionally(
                    new ChangeException(
                        Outcome.NOT_NOW,
                        "cannot drain %s: after %d s it still leads %s; see that others are up"
                            .formatted(self, DRAIN_LIMIT.toSeconds(), left)));
              }
            },
            50,
            50,
            TimeUnit.MILLISECONDS);
    return done.whenComplete((reply, failure) -> check.cancel(false));
  }

  /** Tells everybody that is up. Waits. */
  void rebalance() {
    for (Member member : members.all()) {
      try {
        peers.call(member.id(), REBALANCE, ByteString.EMPTY, CALL_TIMEOUT).join();
      } catch (CompletionException e) {
        log.atInfo()
            .addKeyValue("node", member.id())
            .addKeyValue("cause", e.getMessage())
            .log("not told to rebalance");
      }
    }
  }

  private CompletableFuture<ByteString> unpinned() {
    pins.clear();
    gate.drain(false);
    return CompletableFuture.supplyAsync(
        () -> {
          balancer.request(System.nanoTime());
          return ByteString.EMPTY;
        },
        timer);
  }

  private CompletableFuture<Void> move(LogId shard, NodeId to) {
    if (members.all().stream().noneMatch(member -> member.id().equals(to))) {
      return CompletableFuture.failedFuture(
          new IllegalStateException(
              cannotMove(shard, to) + to + " is not a member; see `marmot status` for who is"));
    }
    NodeId leader = logs.leader(shard).orElse(null);
    if (leader == null) {
      return failed(shard, to, Outcome.NOT_NOW, "it has no leader now");
    }
    return leader.equals(self)
        ? logs.transfer(shard, to).thenCompose(error -> answered(shard, to, error))
        : askLeader(leader, shard, to);
  }

  private CompletableFuture<Void> askLeader(NodeId leader, LogId shard, NodeId to) {
    ByteString request =
        TransferRequest.newBuilder()
            .setLog(shard.number())
            .setTo(to.value())
            .build()
            .toByteString();
    return peers
        .call(leader, METHOD, request, CALL_TIMEOUT)
        .handle(
            (reply, failure) -> {
              if (failure != null) {
                throw Changes.unanswered(
                    cannotMove(shard, to) + "its leader %s does not answer: ".formatted(leader),
                    Changes.root(failure));
              }
              return errorOf(reply);
            })
        .thenCompose(error -> answered(shard, to, error));
  }

  private static @Nullable String errorOf(ByteString reply) {
    try {
      String error = TransferReply.parseFrom(reply).getError();
      return error.isEmpty() ? null : error;
    } catch (InvalidProtocolBufferException e) {
      return "the leader's answer cannot be read: " + e.getMessage();
    }
  }

  /** The leader says that it has stayed where it was. */
  private static CompletableFuture<Void> answered(LogId shard, NodeId to, @Nullable String error) {
    return error == null
        ? CompletableFuture.completedFuture(null)
        : failed(shard, to, Outcome.NOT_NOW, error);
  }

  private static <T> CompletableFuture<T> failed(
      LogId shard, NodeId to, Outcome outcome, String why) {
    return CompletableFuture.failedFuture(
        new ChangeException(
            outcome,
            cannotMove(shard, to) + why + "; see that n%d is up, try again".formatted(to.value())));
  }

  private static String cannotMove(LogId shard, NodeId to) {
    return "cannot move the leader of " + shard + " to " + to + ": ";
  }

  /** Answers {@link #METHOD} of another node. */
  private CompletableFuture<ByteString> handle(ByteString bytes) {
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
        able.clear();
      } else if (ticks++ % ASK_EVERY == 0) {
        members.voters(LogId.ORDER).forEach(this::askWhetherAble);
      } else if (!moving && able.keySet().containsAll(liveVoters())) {
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

  private void askWhetherAble(NodeId node) {
    var unused =
        peers
            .call(node, Groups.ALIVE, ByteString.EMPTY, CALL_TIMEOUT)
            .whenComplete((reply, failure) -> able.put(node, failure == null && mayLead(reply)));
  }

  private static boolean mayLead(ByteString reply) {
    try {
      AliveReply alive = AliveReply.parseFrom(reply);
      return alive.getMayLead() && alive.getMember();
    } catch (InvalidProtocolBufferException e) {
      return false;
    }
  }

  private Set<NodeId> liveVoters() {
    Set<NodeId> live = logs.live(LogId.ORDER);
    live.retainAll(members.voters(LogId.ORDER));
    return live;
  }

  private LeaderBalancer.View view() {
    Map<LogId, NodeId> leaders = new HashMap<>();
    List<LogId> logIds = copies.logs();
    for (LogId shard : logIds) {
      logs.leader(shard).ifPresent(leader -> leaders.put(shard, leader));
    }
    Set<NodeId> live = liveVoters();
    // A pin ends with the node that it is on.
    pins.values().removeIf(node -> !live.contains(node));
    live.removeIf(node -> !able.getOrDefault(node, false));
    return new LeaderBalancer.View(
        logs.otherLeader(LogId.ORDER), logIds.size(), leaders, live, pins.keySet());
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
    if (pins.containsKey(move.log())) {
      next(moves);
      return;
    }
    var unused =
        move(move.log(), move.to())
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
