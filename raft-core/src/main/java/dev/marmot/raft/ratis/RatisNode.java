package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.RaftState;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A node's part in all raft logs, on Apache Ratis. Thread-safe; started once. */
public final class RatisNode implements RaftNode {
  private static final Logger log = LoggerFactory.getLogger(RatisNode.class);

  private final RaftOptions options;
  private final Listener listener;
  private final FailureSignal failures;
  private final LogGroups groups;
  private final Limits limits;
  private final DiskRoom room;
  private volatile @Nullable Running running;
  private volatile @Nullable Doorway doorway;
  private volatile Set<LogId> notToLead = Set.of();
  private boolean started;

  /**
   * How long to wait; tests wait less. Immutable.
   *
   * @param stuck how long Ratis may leave an answered question about a floor
   */
  record Limits(Duration proposal, Duration stuck) {
    static final Limits DEFAULT = new Limits(Proposer.TIME_LIMIT, Duration.ofSeconds(10));
  }

  RatisNode(RaftOptions options, Listener listener, Consumer<Throwable> onFailure, Limits limits) {
    this.limits = limits;
    this.options = options;
    this.listener = listener;
    this.room = new DiskRoom(options.directory());
    this.failures = new FailureSignal(onFailure);
    this.groups = new LogGroups(options.cluster());
  }

  /**
   * A node that is not started yet.
   *
   * @param onFailure called at most once, when the node cannot go on: the listener threw, or a raft
   *     log failed. The owner must close the node; called on a thread that must not do that itself
   */
  public static RaftNode open(
      RaftOptions options, Listener listener, Consumer<Throwable> onFailure) {
    return new RatisNode(options, listener, onFailure, Limits.DEFAULT);
  }

  /** What exists between start and close. Immutable. */
  private record Running(
      RaftDirectory directory,
      StateFile state,
      RaftServer server,
      LogCopies copies,
      LocalLogs logs,
      Members members,
      LeadingGate gate,
      Peers peers,
      Proposer proposer,
      Leadership leadership,
      Membership membership,
      Resharding resharding,
      ScheduledThreadPoolExecutor timer,
      ScheduledThreadPoolExecutor worker,
      ScheduledThreadPoolExecutor changes) {}

  /**
   * Whether a node could listen there now.
   *
   * @throws IOException when it could not; the message says why
   */
  public static void checkPort(String host, int port) throws IOException {
    RatisServers.checkPort(host, port);
  }

  /**
   * Fits the logs of a stopped node to other options; only when its cluster never began, so that
   * nothing was ever written in them.
   *
   * @param before id of the cluster so far
   * @param now id of the cluster from now on
   */
  public static void reshape(Path directory, String before, String now, int shards)
      throws IOException {
    Reshape.run(directory, before, now, shards);
  }

  /** The name of the node of a directory among the members; empty when it never had one. */
  public static Optional<String> name(Path directory) throws IOException {
    return StateFile.read(StateFile.file(directory)).map(RaftState::getPeer);
  }

  @Override
  public synchronized void listen() throws IOException {
    if (started || doorway != null) {
      throw new IllegalStateException("cannot listen twice");
    }
    doorway = Doorway.open(options);
  }

  private void leaveDoorway() {
    Doorway open = doorway;
    if (open != null) {
      open.close();
      doorway = null;
    }
  }

  @Override
  public synchronized void start() throws IOException {
    if (started) {
      throw new IllegalStateException("cannot start a node twice");
    }
    started = true;
    leaveDoorway();
    RaftDirectory directory = RaftDirectory.open(options.directory(), groups);
    try {
      RatisServers.checkPort(options.bindHost(), options.bindPort());
      assemble(directory);
    } catch (IOException | RuntimeException e) {
      if (running == null) {
        directory.close();
      }
      close();
      throw e;
    }
  }

  private void assemble(RaftDirectory directory) throws IOException {
    StateFile state = directory.state(options);
    RemovalSignal.check(state, options.self());
    List<RaftPeer> founders = founders(directory, state);
    ScheduledThreadPoolExecutor timer = newThread("raft-timer");
    ScheduledThreadPoolExecutor worker = newThread("raft-worker");
    Peers peers = new Peers(options, timer);
    RaftPeerId self = RaftPeerId.valueOf(state.state().getPeer());
    RemovalSignal removed = new RemovalSignal(options.self(), state, failures);
    RemovalCheck removal = new RemovalCheck(self, peers, removed, worker);
    LogCopies copies = copies(removal, peers, worker);
    Map<String, PeerHandler> handlers = new ConcurrentHashMap<>();
    RaftServer server = server(directory, state, founders, copies, handlers);
    copies.serve(server);
    Members members = new Members(options.members(), self, copies);
    LocalLogs logs = new LocalLogs(options.self(), groups, server, copies, members);
    LeadingGate gate = new LeadingGate(() -> notToLead, server, groups, logs, copies, timer);
    Leadership leadership = new Leadership(members, copies, logs, gate, timer);
    Groups groupChanges =
        new Groups(
            new Groups.Parts(
                options, server, groups, copies, logs, members, state, gate, removal, worker));
    handlers.putAll(groupChanges.handlers());
    handlers.putAll(leadership.handlers());
    peers.answer(handlers);
    Proposer proposer = new Proposer(options.self(), logs, peers, timer, limits.proposal());
    copies.onLeader(proposer::leads);
    // Before the server starts: the listener and other nodes may call at once.
    running =
        new Running(
            directory,
            state,
            server,
            copies,
            logs,
            members,
            gate,
            peers,
            proposer,
            leadership,
            new Membership(state, members, copies, logs, leadership),
            new Resharding(state, members, copies),
            timer,
            worker,
            newThread("raft-changes"));
    begin(started(), removal);
  }

  /** With whom logs that are not there yet begin; those that are there are mended. */
  private List<RaftPeer> founders(RaftDirectory directory, StateFile state) throws IOException {
    boolean member = state.state().getMember();
    List<RaftPeer> founders = member ? RatisServers.founders(options) : List.of();
    directory.mend(founders);
    if (member) {
      directory.checkAddress(RaftPeerId.valueOf(state.state().getPeer()), options);
    }
    return founders;
  }

  private LogCopies copies(RemovalCheck removal, Peers peers, ScheduledThreadPoolExecutor worker) {
    return new LogCopies(
        new LogCopies.Identity(options.self(), groups, options.retention(), room),
        listener,
        failures,
        removal,
        peers,
        worker);
  }

  /** A server with all logs, not yet on the network. */
  private RaftServer server(
      RaftDirectory directory,
      StateFile state,
      List<RaftPeer> founders,
      LogCopies copies,
      Map<String, PeerHandler> handlers)
      throws IOException {
    RaftPeerId self = RaftPeerId.valueOf(state.state().getPeer());
    RaftServer server = RatisServers.build(options, self, groups, copies, service(handlers));
    try {
      NavigableSet<LogId> logs = directory.logs();
      logs.addAll(LogGroups.upTo(state.state().getShards()));
      RatisServers.createMissing(server, groups, List.copyOf(logs), founders);
      RatisServers.checkLoaded(server, groups, logs);
    } catch (IOException | RuntimeException e) {
      failures.silence();
      server.close();
      throw e;
    }
    return server;
  }

  private void begin(Running now, RemovalCheck removal) throws IOException {
    RatisServers.start(now.server(), options);
    LogReopening reopening =
        new LogReopening(groups, now.server(), now.directory(), failures, room);
    now.gate().start();
    now.peers().start();
    now.leadership().start();
    new LogKeeper(
            groups,
            now.copies(),
            now.server(),
            now.worker(),
            new LogParking(now.copies(), reopening, room),
            reopening,
            new StandStill(now.copies(), reopening, now.directory(), now.worker(), limits.stuck()),
            new LogKeeper.Limits(options.retention(), this::shards, limits.stuck()))
        .start();
    new MemberWatch(options.self(), now.state(), now.members(), now.copies(), removal, now.worker())
        .start();
    log.atInfo()
        .addKeyValue("node", options.self())
        .addKeyValue("port", options.bindPort())
        .addKeyValue("shards", shards())
        .addKeyValue("directory", options.directory())
        .log("raft started");
  }

  private PeerService service(Map<String, PeerHandler> handlers) {
    handlers.putAll(LogCalls.handlers(() -> started().logs()));
    return new PeerService(options.cluster(), options.self(), options.handlers(), handlers);
  }

  private ScheduledThreadPoolExecutor newThread(String job) {
    return RaftThread.open(options.self() + "-" + job);
  }

  private Running started() {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("the node is not running");
    }
    return now;
  }

  @Override
  public int shards() {
    Running now = running;
    return now == null ? options.shards() : now.state().state().getShards();
  }

  @Override
  public int allShards() {
    Running now = running;
    return now == null ? options.shards() : now.copies().logs().size() - 1;
  }

  @Override
  public CompletionStage<LogPosition> propose(LogId id, ByteString entry) {
    Running now = running;
    return now == null
        ? CompletableFuture.failedFuture(
            new ProposalException(
                ProposalException.Outcome.NOT_PROPOSED,
                "cannot propose to " + id + ": the node is not running"))
        : now.proposer().propose(id, entry);
  }

  @Override
  public Read read(LogId id, long index) {
    Running now = running;
    return now == null ? new Unavailable("the node is not running") : now.logs().read(id, index);
  }

  @Override
  public long committed(LogId id) {
    Running now = running;
    return now == null ? LogPosition.NONE.index() : now.logs().committed(id);
  }

  @Override
  public Floor floor(LogId id) {
    Running now = running;
    return now == null ? Floor.NONE : now.logs().floor(id).floor();
  }

  @Override
  public void raiseFloor(LogId id, Floor floor) {
    Running now = running;
    if (now != null) {
      now.logs().floor(id).allow(floor);
    }
  }

  @Override
  public List<LogStatus> status() {
    Running now = running;
    return now == null ? List.of() : now.logs().status(shards());
  }

  @Override
  public Optional<String> shortage() {
    return room.shortage();
  }

  /** This node leads the order log, and leaders stay where they are until the live nodes change. */
  boolean leadersSettled() {
    Running now = running;
    return now != null && now.leadership().settled();
  }

  @Override
  public List<Member> members() {
    Running now = running;
    return now == null ? options.members() : now.members().all();
  }

  @Override
  public String name() {
    Running now = running;
    return now == null ? "" : now.state().state().getPeer();
  }

  @Override
  public Optional<String> name(NodeId node) {
    Running now = running;
    return now == null
        ? Optional.empty()
        : now.members().peer(LogId.ORDER, node).map(RaftPeerId::toString);
  }

  @Override
  public CompletionStage<Void> add(Member member, boolean voting) {
    return change(now -> now.membership().add(member, voting));
  }

  @Override
  public CompletionStage<Void> remove(NodeId node, boolean force) {
    return change(now -> now.membership().remove(node, force));
  }

  @Override
  public CompletionStage<Void> setShards(int shards) {
    return change(now -> now.resharding().set(shards));
  }

  @Override
  public CompletionStage<Void> drain(NodeId node) {
    Running now = running;
    return now == null ? ChangeQueue.notRunning() : now.leadership().drain(node);
  }

  @Override
  public CompletionStage<Void> rebalance() {
    return change(now -> now.leadership().rebalance());
  }

  private CompletionStage<Void> change(Change change) {
    Running now = running;
    return now == null
        ? ChangeQueue.notRunning()
        : new ChangeQueue(now.changes()).run(() -> change.make(now));
  }

  /** A change of the cluster. */
  private interface Change {
    void make(Running now) throws InterruptedException;
  }

  @Override
  public void mayNotLead(Set<LogId> logs) {
    Set<LogId> before = notToLead;
    notToLead = Set.copyOf(logs);
    Running now = running;
    if (now != null && !before.equals(logs)) {
      now.gate().hurry();
    }
  }

  /** For tests. */
  LogCopies copies() {
    return started().copies();
  }

  @Override
  public CompletionStage<Void> transferLeadership(LogId id, NodeId to) {
    Running now = running;
    return now == null ? ChangeQueue.notRunning() : now.leadership().transfer(id, to);
  }

  @Override
  public CompletionStage<ByteString> call(
      NodeId node, String method, ByteString request, Duration timeout) {
    Running now = running;
    Doorway open = doorway;
    if (now != null) {
      return now.peers().call(node, method, request, timeout);
    }
    return open == null
        ? CompletableFuture.failedFuture(new IllegalStateException("the node is not running"))
        : open.call(node, method, request, timeout);
  }

  @Override
  public synchronized void close() {
    failures.silence();
    started = true; // and never again
    leaveDoorway();
    Running now = running;
    if (now == null) {
      return;
    }
    now.proposer().close();
    now.peers().close();
    try {
      now.server().close();
    } catch (IOException e) {
      log.atWarn().setCause(e).log("closing raft failed");
    }
    now.timer().shutdownNow();
    now.worker().shutdownNow();
    now.changes().shutdownNow();
    // Only now: calls that come in while the server closes still find the node.
    running = null;
    try {
      now.directory().close();
    } catch (IOException e) {
      log.atWarn().setCause(e).log("releasing the raft directory failed");
    }
  }
}
