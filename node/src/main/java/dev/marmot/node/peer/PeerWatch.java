package dev.marmot.node.peer;

import dev.marmot.node.identity.Identities;
import dev.marmot.node.peer.OddOptions.Heard;
import dev.marmot.node.peer.OddOptions.Verdict;
import dev.marmot.proto.v1.HelloReply;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NetworkFaults;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Introduces this node to the others again and again: who answers, where they stand, and whether
 * they belong to the same cluster. Thread-safe.
 */
public final class PeerWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PeerWatch.class);
  private static final Duration EVERY = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  /** A restart takes less. */
  private static final Duration AWAY = Duration.ofSeconds(30);

  private final RaftNode raft;
  private final NodeId self;
  private final NodeIdentity identity;
  private final Events events;
  private final Map<NodeId, Peer> peers = new ConcurrentHashMap<>();

  /** Since when the nodes are away of which no warning was given yet. */
  private final Map<NodeId, Long> awaySince = new ConcurrentHashMap<>();

  /** Whose host names are known not to resolve: said once. */
  private final Set<NodeId> unknown = ConcurrentHashMap.newKeySet();

  private final Map<NodeId, Heard> said = new ConcurrentHashMap<>();
  private final Map<NodeId, String> strangers = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer;

  /** What a node learns about its place among the others. */
  public interface Events {
    /**
     * Another node does not fit to this one.
     *
     * @param ends whether this one is the odd one, and has to end while it starts
     */
    void differs(boolean ends, String why);

    /** The cluster goes on without this node; why. */
    void leftOut(String why);
  }

  public PeerWatch(RaftNode raft, NodeId self, NodeIdentity identity, Events events) {
    this.raft = raft;
    this.self = self;
    this.identity = identity;
    this.events = events;
    this.timer = PeerTimer.open(self, "peers");
  }

  public void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::round, 0, EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void round() {
    for (Member member : raft.members()) {
      if (!member.id().equals(self)) {
        var unused =
            PeerCalls.hello(raft, member.id(), identity, TIMEOUT)
                .whenComplete((reply, failure) -> heard(member, reply, failure));
      }
    }
  }

  private void heard(Member member, @Nullable HelloReply reply, @Nullable Throwable failure) {
    Peer before = peers.getOrDefault(member.id(), Peer.UNKNOWN);
    if (reply == null) {
      String reason = reason(failure);
      peers.put(member.id(), before.silent(reason));
      boolean misspelt =
          reason.equals(NetworkFaults.unknownHost(member.host())) && unknown.add(member.id());
      if (misspelt) {
        silent(log.atWarn(), member, reason);
      } else {
        away(member, before, reason);
      }
      return;
    }
    unknown.remove(member.id());
    awaySince.remove(member.id());
    boolean itself = reply.getIdentity().getNodeId() == member.id().value();
    peers.put(
        member.id(),
        new Peer(
            true,
            reply.getPosition(),
            "",
            itself ? reply.getName() : "",
            member.address(),
            System.nanoTime()));
    if (!before.reachable()) {
      log.atInfo().addKeyValue("node", member.id()).log("node reachable");
    }
    strangers.remove(member.id());
    said.put(member.id(), new Heard(reply.getIdentity(), reply.getReplicating()));
    Optional<String> without = Identities.leftOut(identity, reply.getIdentity());
    if (without.isPresent()) {
      events.leftOut(without.get());
    } else if (!reply.getRefusal().isEmpty()) {
      verdict().ifPresent(verdict -> events.differs(verdict.ends(), verdict.why()));
    } else if (!itself) {
      String why =
          "waiting for node %d: at %s, its address, node %d answers; give each its own node-id"
              .formatted(member.id().value(), member.address(), reply.getIdentity().getNodeId());
      strangers.put(member.id(), why);
      events.differs(false, why);
    }
  }

  /** A restart is worth a line; a node that stays away is worth a warning. */
  private void away(Member member, Peer before, String reason) {
    long now = System.nanoTime();
    Long since = awaySince.get(member.id());
    if (before.reachable() || before.reason().isEmpty()) {
      awaySince.put(member.id(), now);
      silent(log.atInfo(), member, reason);
    } else if (since != null && now - since > AWAY.toNanos()) {
      awaySince.remove(member.id());
      silent(log.atWarn().addKeyValue("seconds", AWAY.toSeconds()), member, reason);
    }
  }

  private static void silent(LoggingEventBuilder event, Member member, String reason) {
    event
        .addKeyValue("node", member.id())
        .addKeyValue("address", member.address())
        .addKeyValue("reason", reason)
        .log("node unreachable");
  }

  private static String reason(@Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof PeerCallException call) {
      return call.reason();
    }
    return cause == null ? "no answer" : String.valueOf(cause.getMessage());
  }

  /** Another node said who it is, perhaps the last that is heard of it. */
  public void introduced(NodeIdentity other) {
    for (Member member : raft.members()) {
      if (member.id().value() == other.getNodeId() && !member.id().equals(self)) {
        said.compute(
            member.id(),
            (node, last) ->
                new Heard(
                    other, last != null && last.replicating() && last.identity().equals(other)));
      }
    }
  }

  /** Who a node said it is, when it last said so; empty when it never did. */
  Optional<NodeIdentity> said(NodeId node) {
    return Optional.ofNullable(said.get(node)).map(Heard::identity);
  }

  private Optional<Verdict> verdict() {
    List<Member> members = raft.members();
    Map<Integer, Heard> heard = new HashMap<>();
    for (Member member : members) {
      Heard last = said.get(member.id());
      if (last != null && !member.id().equals(self)) {
        heard.put(member.id().value(), last);
      }
    }
    return OddOptions.decide(identity, members.size(), heard);
  }

  /** What keeps this node from working with the others; empty when nothing does. */
  public Optional<String> differing() {
    return verdict().map(Verdict::why).or(() -> strangers.values().stream().findFirst());
  }

  /** When a node was heard last; empty when it never was. */
  Optional<LastHeard> lastHeard(NodeId node) {
    return peer(node)
        .filter(peer -> !peer.name().isEmpty())
        .map(
            peer ->
                new LastHeard(
                    peer.name(),
                    peer.address(),
                    Duration.ofNanos(System.nanoTime() - peer.heardNanos())));
  }

  /**
   * When a node was heard last. Immutable.
   *
   * @param name of that life of it
   */
  record LastHeard(String name, String address, Duration ago) {}

  /** What is known of another node; empty when it was never heard of. */
  public Optional<Peer> peer(NodeId node) {
    return Optional.ofNullable(peers.get(node));
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  /**
   * What is known of another node. Immutable.
   *
   * @param position order log index at which it stood when it last answered, -1 at the start
   * @param reason why it is not reachable; empty when it is, or when nothing is known yet
   * @param name of that life of it; empty when it never answered
   * @param heardNanos when it last answered
   */
  public record Peer(
      boolean reachable,
      long position,
      String reason,
      String name,
      String address,
      long heardNanos) {
    static final Peer UNKNOWN = new Peer(false, -1, "", "", "", 0);

    Peer silent(String why) {
      return new Peer(false, position, why, name, address, heardNanos);
    }
  }
}
