package dev.marmot.node;

import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.control.ClusterPlane;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.control.Readiness;
import dev.marmot.node.control.Safekeeping;
import dev.marmot.node.peer.Barrier;
import dev.marmot.node.peer.PeerWatch;
import dev.marmot.node.peer.PeerWatch.Peer;
import dev.marmot.node.replication.EpochNumber;
import dev.marmot.node.replication.Origin.Progress;
import dev.marmot.node.replication.Replicator;
import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.MemberStatus;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this node tells its operators. Thread-safe. */
final class NodeControl implements ControlPlane {
  private static final Logger log = LoggerFactory.getLogger(NodeControl.class);
  private static final int MOST_WARNINGS = 20;
  private static final long WATCH_MILLIS = 100;
  private static final Duration MOVING = Duration.ofSeconds(1);

  private final NodeConfig config;
  private final NodeIdentity identity;
  private final SqliteReplicaStore store;
  private final Replicator replicator;
  private final RaftNode raft;
  private final AsideView aside;
  private final ClusterControl cluster;
  private final Map<LogId, Long> leaderlessSince = new ConcurrentHashMap<>();
  private final long startedNanos = System.nanoTime();
  private final ConcurrentLinkedDeque<String> warnings = new ConcurrentLinkedDeque<>();
  private volatile @Nullable PeerWatch peers;
  private volatile @Nullable Barrier barrier;
  private final List<Supplier<Optional<String>>> obstacles = new CopyOnWriteArrayList<>();
  private final List<Supplier<List<String>>> standing = new CopyOnWriteArrayList<>();
  private volatile @Nullable Safekeeping safekeeping;
  private volatile boolean everReady;
  private volatile State announced = State.STARTING;

  NodeControl(
      NodeConfig config,
      NodeIdentity identity,
      SqliteReplicaStore store,
      Replicator replicator,
      RaftNode raft) {
    this.config = config;
    this.identity = identity;
    this.store = store;
    this.replicator = replicator;
    this.raft = raft;
    this.aside = new AsideView(store, replicator);
    this.cluster =
        new ClusterControl(
            config.self(), store::state, replicator::appliedAll, replicator::reached, raft);
  }

  /** The parts that need a started node. */
  void watch(PeerWatch peerWatch, Barrier barrierCall) {
    this.peers = peerWatch;
    this.barrier = barrierCall;
  }

  /** Something more that may keep this node from being ready; the reason while it does. */
  void ready(Supplier<Optional<String>> obstacle) {
    obstacles.add(obstacle);
  }

  /** Something more that a ready node tells. */
  void warnings(Supplier<List<String>> more) {
    standing.add(more);
  }

  private List<String> standing() {
    return standing.stream().flatMap(more -> more.get().stream()).toList();
  }

  void keepSafe(Safekeeping parts) {
    this.safekeeping = parts;
  }

  @Override
  public Safekeeping safekeeping() {
    Safekeeping started = safekeeping;
    return started == null ? ControlPlane.super.safekeeping() : started;
  }

  /** Logs each change of the node's state; the operator's first look is the log. */
  AutoCloseable announce() {
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, config.self() + "-state");
              thread.setDaemon(true);
              return thread;
            });
    var unused = timer.scheduleWithFixedDelay(this::look, 0, WATCH_MILLIS, TimeUnit.MILLISECONDS);
    return timer::shutdownNow;
  }

  private void look() {
    State now = state();
    everReady |= now == State.REPLICATING;
    if (now == announced) {
      return;
    }
    announced = now;
    switch (now) {
      case REPLICATING -> log.atInfo().log("replicating");
      case WAITING_FOR_QUORUM ->
          log.atInfo()
              .addKeyValue("reasons", reasons())
              .log("waiting for a quorum; the application can write");
      case WAITING ->
          log.atInfo()
              .addKeyValue("reasons", reasons())
              .log("not replicating now; the application can write");
      case STOPPED ->
          log.atError().addKeyValue("reason", replicator.error().orElse("")).log("stopped");
      case STARTING -> log.atInfo().log("starting");
    }
  }

  boolean everReady() {
    return everReady;
  }

  /** Shows a warning in the status, once. */
  void warn(String warning) {
    if (!warnings.contains(warning)) {
      warnings.addLast(warning);
      if (warnings.size() > MOST_WARNINGS) {
        warnings.pollFirst();
      }
      log.atWarn().log(warning);
    }
  }

  private enum State {
    STARTING,
    WAITING_FOR_QUORUM,
    WAITING,
    REPLICATING,
    STOPPED
  }

  private State state() {
    if (replicator.failed()) {
      return State.STOPPED;
    }
    List<String> leaderless = leaderless();
    if (leaderless.isEmpty()
        && captures()
        && obstacles.stream().allMatch(obstacle -> obstacle.get().isEmpty())) {
      return State.REPLICATING;
    }
    if (System.nanoTime() - startedNanos < Duration.ofSeconds(5).toNanos() && !everReady) {
      return State.STARTING;
    }
    return Leaderless.isQuorumLost(leaderless.size(), raft.status().size())
        ? State.WAITING_FOR_QUORUM
        : State.WAITING;
  }

  private boolean captures() {
    return replicator.progress().map(Progress::ready).orElse(false);
  }

  /**
   * Logs without a leader. Once ready, a log counts only after a while: leadership may be moving.
   */
  private List<String> leaderless() {
    long now = System.nanoTime();
    List<String> names = new ArrayList<>();
    for (LogStatus status : raft.status()) {
      if (status.leader().isPresent()) {
        leaderlessSince.remove(status.log());
      } else {
        long since = leaderlessSince.computeIfAbsent(status.log(), unused -> now);
        if (!everReady || now - since >= MOVING.toNanos()) {
          names.add(status.log().toString());
        }
      }
    }
    return names;
  }

  @Override
  public boolean alive() {
    return !replicator.failed();
  }

  @Override
  public Readiness readiness() {
    List<String> reasons = reasons();
    List<String> told = new ArrayList<>(aside.warnings());
    told.addAll(standing());
    return new Readiness(reasons.isEmpty(), reasons, told);
  }

  /** The members that do not answer, with the reason. */
  private List<String> unreachable() {
    PeerWatch watch = peers;
    if (watch == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (Member member : raft.members()) {
      watch
          .peer(member.id())
          .filter(peer -> !peer.reachable() && !peer.reason().isEmpty())
          .ifPresent(
              peer -> names.add(member.id() + " at " + member.address() + ": " + peer.reason()));
    }
    return names;
  }

  /** Why this node does not replicate; empty when it does. */
  private List<String> reasons() {
    List<String> reasons = new ArrayList<>();
    List<String> leaderless = leaderless();
    if (!leaderless.isEmpty()) {
      reasons.add(Leaderless.reason(leaderless, raft.status().size(), unreachable()));
    }
    if (raft.status().isEmpty() && !unreachable().isEmpty()) {
      reasons.add(
          "its raft logs are not open yet (unreachable: " + String.join(", ", unreachable()) + ")");
    }
    raft.status().forEach(log -> log.trouble().ifPresent(reasons::add));
    if (!captures()) {
      reasons.add("this node's epoch is not open yet");
    }
    replicator.error().ifPresent(reasons::add);
    obstacles.forEach(obstacle -> obstacle.get().ifPresent(reasons::add));
    return reasons;
  }

  @Override
  public ConflictsReply conflicts(long after, int limit) {
    return aside.conflicts(after, limit);
  }

  @Override
  public HeldReply held(long after, int limit) {
    return aside.held(after, limit);
  }

  @Override
  public CompletionStage<RetryReply> retry() {
    return aside.retry();
  }

  @Override
  public ClusterPlane cluster() {
    return cluster;
  }

  @Override
  public CompletionStage<BarrierReply> barrier(Duration timeout) {
    Barrier call = barrier;
    if (call == null) {
      return CompletableFuture.failedFuture(
          new ControlException(
              ControlException.Kind.UNAVAILABLE, "cannot pass a barrier: this node is starting"));
    }
    long start = System.nanoTime();
    return call.pass(timeout)
        .handle(
            (position, failure) -> {
              if (failure != null) {
                throw failed(failure, timeout);
              }
              return BarrierReply.newBuilder()
                  .setPosition(position)
                  .setTookMillis(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))
                  .build();
            });
  }

  private static ControlException failed(Throwable failure, Duration timeout) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String reason =
        cause instanceof TimeoutException
            ? "this node did not get there in time"
            : String.valueOf(cause.getMessage());
    return new ControlException(
        ControlException.Kind.TIMEOUT,
        "cannot confirm within %d ms that everything is everywhere: %s; see `marmot status`, try again"
            .formatted(timeout.toMillis(), reason),
        cause);
  }

  @Override
  public StatusReply status() {
    ReplicaState state = store.state();
    AsideCounts counts = aside.counts();
    StatusReply.Builder reply =
        StatusReply.newBuilder()
            .setNode(config.self().value())
            .setVersion(Version.current())
            .setCluster(config.cluster() + " (" + identity.getCluster() + ")")
            .setState(state().name())
            .setReady(reasons().isEmpty())
            .setDatabase(config.database().toString())
            .setPositionTerm(state.term())
            .setPositionIndex(state.position())
            .setEpoch(EpochNumber.count(state.minEpochOf(config.self().value())))
            .setPendingChanges(store.pendingChanges())
            .setChangeSetsInFlight(replicator.progress().map(Progress::inFlight).orElse(0))
            .setLastError(replicator.error().orElse(""))
            .addAllWarnings(store.warnings())
            .addAllWarnings(standing())
            .addAllWarnings(warnings)
            .addAllWarnings(replicator.unreadable().stream().toList())
            .setConflicts(counts.conflicts())
            .setHeldRows(counts.held())
            .setParkedRows(counts.parked())
            .setAppliedChangeSets(replicator.appliedChangeSets())
            .setAppliedRows(replicator.appliedRows())
            .setLongestApplyMillis(replicator.longestApplyMillis())
            .setSplits(replicator.splits())
            .setUptimeSeconds(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startedNanos));
    for (LogStatus status : raft.status()) {
      reply.addLogs(log(status));
    }
    for (Member member : raft.members()) {
      reply.addMembers(member(member, state));
    }
    return reply.build();
  }

  /** The shards' logs are staging: what of them is applied shows in the order log. */
  private dev.marmot.proto.v1.LogStatus log(LogStatus status) {
    long applied =
        status.log().isOrderLog() && !replicator.appliedAll()
            ? store.state().position()
            : status.committed();
    return dev.marmot.proto.v1.LogStatus.newBuilder()
        .setLog(status.log().number())
        .setName(status.log().toString())
        .setLeader(status.leader().map(leader -> leader.value()).orElse(0))
        .setTerm(status.term())
        .setCommitted(status.committed())
        .setApplied(applied)
        .setLag(Math.max(0, status.committed() - applied))
        .build();
  }

  private MemberStatus member(Member member, ReplicaState state) {
    MemberStatus.Builder status =
        MemberStatus.newBuilder().setNode(member.id().value()).setAddress(member.address());
    if (member.id().equals(config.self())) {
      return status.setReachable(true).setPosition(state.position()).build();
    }
    PeerWatch watch = peers;
    Optional<Peer> peer = watch == null ? Optional.empty() : watch.peer(member.id());
    return status
        .setReachable(peer.map(Peer::reachable).orElse(false))
        .setPosition(peer.map(Peer::position).orElse(-1L))
        .setReason(peer.map(Peer::reason).orElse(""))
        .build();
  }
}
