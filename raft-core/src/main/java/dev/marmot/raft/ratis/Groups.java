package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.ActivateRequest;
import dev.marmot.proto.v1.AliveReply;
import dev.marmot.proto.v1.ConfigureReply;
import dev.marmot.proto.v1.ConfigureRequest;
import dev.marmot.proto.v1.LeadingReply;
import dev.marmot.proto.v1.LeadingRequest;
import dev.marmot.proto.v1.PrepareRequest;
import dev.marmot.proto.v1.RaftState;
import dev.marmot.proto.v1.RemovedNotice;
import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.protocol.exceptions.ReconfigurationInProgressException;
import org.apache.ratis.protocol.exceptions.ReconfigurationTimeoutException;
import org.apache.ratis.protocol.exceptions.SetConfigurationException;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node does when another one changes the cluster. Thread-safe. */
final class Groups {
  static final String ALIVE = "alive";
  static final String PREPARE = "prepare";
  static final String CONFIGURE = "configure";
  static final String REMOVED = "removed";
  static final String LEADING = "leading";
  static final String ACTIVATE = "activate";

  private static final long NUDGE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final Logger logger = LoggerFactory.getLogger(Groups.class);

  private final NodeId self;
  private final RaftOptions options;
  private final RaftServer server;
  private final LogGroups groups;
  private final LogCopies copies;
  private final Members members;
  private final StateFile state;
  private final LeadingGate gate;
  private final RemovalCheck removal;
  private final Executor worker;
  private final LocalLogs logs;
  private final Map<LogId, Long> nudged = new ConcurrentHashMap<>();
  private final ClientId clientId = ClientId.randomId();
  private final AtomicLong callIds = new AtomicLong();

  /** What this node consists of. Immutable. */
  record Parts(
      RaftOptions options,
      RaftServer server,
      LogGroups groups,
      LogCopies copies,
      LocalLogs logs,
      Members members,
      StateFile state,
      LeadingGate gate,
      RemovalCheck removal,
      Executor worker) {}

  Groups(Parts parts) {
    this.options = parts.options();
    this.self = options.self();
    this.server = parts.server();
    this.groups = parts.groups();
    this.copies = parts.copies();
    this.logs = parts.logs();
    this.members = parts.members();
    this.state = parts.state();
    this.gate = parts.gate();
    this.removal = parts.removal();
    this.worker = parts.worker();
  }

  Map<String, PeerHandler> handlers() {
    return Map.of(
        ALIVE, request -> CompletableFuture.completedFuture(alive()),
        PREPARE, request -> onWorker(() -> prepare(PrepareRequest.parseFrom(request))),
        ACTIVATE, request -> onWorker(() -> activate(ActivateRequest.parseFrom(request))),
        REMOVED, request -> onWorker(() -> removed(RemovedNotice.parseFrom(request))),
        LEADING, request -> onWorker(() -> leading(LeadingRequest.parseFrom(request))),
        CONFIGURE, this::configure);
  }

  /** Work that touches the disk. */
  private interface Work {
    ByteString run() throws IOException;
  }

  private CompletableFuture<ByteString> onWorker(Work work) {
    CompletableFuture<ByteString> result = new CompletableFuture<>();
    worker.execute(
        () -> {
          try {
            result.complete(work.run());
          } catch (IOException | RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  private ByteString alive() {
    RaftState now = state.state();
    return AliveReply.newBuilder()
        .setPeer(now.getPeer())
        .setMember(now.getMember())
        .setMayLead(gate.open())
        .setShards(now.getShards())
        .setShardsVersion(now.getShardsVersion())
        .build()
        .toByteString();
  }

  static ByteString prepare(int shards, RaftState now) {
    return PrepareRequest.newBuilder()
        .setShards(shards)
        .setActiveShards(now.getShards())
        .setShardsVersion(now.getShardsVersion())
        .build()
        .toByteString();
  }

  private ByteString prepare(PrepareRequest request) throws IOException {
    boolean member = state.state().getMember();
    // A node that waits to be added must not know members: it would stand for election.
    List<RaftPeer> with = member ? members.peers(LogId.ORDER) : List.of();
    RatisServers.createMissing(server, groups, LogGroups.upTo(request.getShards()), with);
    if (!member) {
      activate(request.getActiveShards(), request.getShardsVersion());
    }
    return alive();
  }

  private ByteString activate(ActivateRequest request) throws IOException {
    activate(request.getShards(), request.getShardsVersion());
    return alive();
  }

  private void activate(int shards, long version) throws IOException {
    RaftState before = state.state();
    if (version > before.getShardsVersion()
        || (!before.getMember() && version == before.getShardsVersion())) {
      state.change(builder -> builder.setShards(shards).setShardsVersion(version));
      logger.atInfo().addKeyValue("shards", shards).log("number of active shards changed");
    }
  }

  private ByteString removed(RemovedNotice notice) {
    logger.atWarn().addKeyValue("by", "n" + notice.getBy()).log("said to be removed");
    removal.told();
    return ByteString.EMPTY;
  }

  /** Only what is committed, and only while a majority follows. */
  private ByteString leading(LeadingRequest request) {
    LogId log = new LogId(request.getLog());
    LeadingReply.Builder reply = LeadingReply.newBuilder();
    Optional<RaftServer.Division> division = copies.find(log).flatMap(it -> copies.division(log));
    Optional<RaftConfiguration> now = members.settled(log);
    if (division.isEmpty() || now.isEmpty() || !division.get().getInfo().isLeaderReady()) {
      return reply.build().toByteString();
    }
    Set<NodeId> voters = members.voters(log);
    Set<NodeId> live = logs.live(log);
    live.retainAll(voters);
    reply
        .setLeads(live.size() > voters.size() / 2)
        .setMembersIndex(Math.max(0, now.get().getLogEntryIndex()));
    members.peers(log).forEach(peer -> reply.addPeers(peer.getId().toString()));
    if (request.getIndex() <= copies.copy(log).committed()) {
      TermIndex entry = division.get().getRaftLog().getTermIndex(request.getIndex());
      if (entry != null) {
        reply.setTerm(entry.getTerm());
      }
    }
    return reply.build().toByteString();
  }

  private CompletableFuture<ByteString> configure(ByteString bytes) {
    ConfigureRequest request;
    try {
      request = ConfigureRequest.parseFrom(bytes);
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
    LogId log = new LogId(request.getLog());
    Optional<RaftServer.Division> division = copies.division(log);
    if (division.isEmpty() || !division.get().getInfo().isLeaderReady()) {
      return retry(self + " does not lead " + log);
    }
    return change(log, arguments(division.get().getRaftConf(), request, options));
  }

  /**
   * The present members without the node that goes, or with the new name of the one that comes.
   * This node stands in it at its present address: while it was alone it may have moved, and a log
   * may have begun before that. Pure function.
   */
  private static SetConfigurationRequest.Arguments arguments(
      RaftConfiguration now, ConfigureRequest request, RaftOptions options) {
    List<RaftPeer> voters = new ArrayList<>(now.getAllPeers(RaftPeerRole.FOLLOWER));
    List<RaftPeer> listeners = new ArrayList<>(now.getAllPeers(RaftPeerRole.LISTENER));
    SetConfigurationRequest.Arguments.Builder change =
        SetConfigurationRequest.Arguments.newBuilder()
            .setMode(SetConfigurationRequest.Mode.COMPARE_AND_SET)
            .setServersInCurrentConf(List.copyOf(voters))
            .setListenersInCurrentConf(List.copyOf(listeners));
    voters.replaceAll(peer -> present(peer, options));
    boolean adds = !request.getAdd().isEmpty();
    NodeId node =
        adds
            ? LogGroups.node(RaftPeerId.valueOf(request.getAdd())).orElseThrow()
            : new NodeId(request.getRemove());
    voters.removeIf(peer -> LogGroups.node(peer.getId()).filter(node::equals).isPresent());
    listeners.removeIf(peer -> LogGroups.node(peer.getId()).filter(node::equals).isPresent());
    if (adds) {
      RaftPeerRole role = request.getVoting() ? RaftPeerRole.FOLLOWER : RaftPeerRole.LISTENER;
      RaftPeer added =
          RaftPeer.newBuilder()
              .setId(request.getAdd())
              .setAddress(request.getAddress())
              .setStartupRole(role)
              .build();
      (request.getVoting() ? voters : listeners).add(added);
    }
    return change.setServersInNewConf(voters).setListenersInNewConf(listeners).build();
  }

  private static RaftPeer present(RaftPeer peer, RaftOptions options) {
    boolean own = LogGroups.node(peer.getId()).filter(options.self()::equals).isPresent();
    return options.members().stream()
        .filter(member -> own && member.id().equals(options.self()))
        .findFirst()
        .map(member -> RaftPeer.newBuilder(peer).setAddress(member.address()).build())
        .orElse(peer);
  }

  private CompletableFuture<ByteString> change(
      LogId log, SetConfigurationRequest.Arguments arguments) {
    SetConfigurationRequest request =
        new SetConfigurationRequest(
            clientId, server.getId(), groups.groupId(log), callIds.incrementAndGet(), arguments);
    CompletableFuture<RaftClientReply> done;
    try {
      done = server.setConfigurationAsync(request);
    } catch (IOException e) {
      return retry(String.valueOf(e.getMessage()));
    }
    return done.handle(
        (reply, failure) -> {
          Throwable error = failure != null ? failure : reply.getException();
          while (error instanceof CompletionException && error.getCause() != null) {
            error = error.getCause();
          }
          ConfigureReply.Builder answer = ConfigureReply.newBuilder();
          if (error instanceof ReconfigurationTimeoutException) {
            answer.setError("the new member does not answer");
          } else if (error instanceof SetConfigurationException
              && !String.valueOf(error.getMessage()).contains("is different than")) {
            answer.setError(String.valueOf(error.getMessage()));
          } else if (error != null) {
            answer.setRetry(String.valueOf(error.getMessage()));
            if (error instanceof ReconfigurationInProgressException) {
              nudge(log);
            }
          }
          return answer.build().toByteString();
        });
  }

  /**
   * Ratis believes that a new member has what the leader has only when an entry arrived there. One
   * that has everything already, from an attempt that broke off, would wait for the next one.
   */
  private void nudge(LogId log) {
    long now = System.nanoTime();
    Long before = nudged.get(log);
    if (before == null || now - before > NUDGE_NANOS) {
      nudged.put(log, now);
      var unused = logs.propose(log, ProposedEntry.NUDGE);
    }
  }

  private static CompletableFuture<ByteString> retry(String why) {
    return CompletableFuture.completedFuture(
        ConfigureReply.newBuilder().setRetry(why).build().toByteString());
  }
}
