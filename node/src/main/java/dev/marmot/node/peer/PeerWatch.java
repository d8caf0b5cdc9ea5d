package dev.marmot.node.peer;

import dev.marmot.node.identity.Identities;
import dev.marmot.proto.v1.HelloReply;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NetworkFaults;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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

  private final RaftNode raft;
  private final NodeId self;
  private final NodeIdentity identity;
  private final Consumer<String> refused;
  private final Consumer<String> leftOut;
  private final Map<NodeId, Peer> peers = new ConcurrentHashMap<>();

  /** Whose host names are known not to resolve: said once. */
  private final Set<NodeId> unknown = ConcurrentHashMap.newKeySet();

  private final ScheduledExecutorService timer;

  /**
   * @param refused told why another node does not accept this one
   * @param leftOut told why the cluster goes on without this one
   */
  public PeerWatch(
      RaftNode raft,
      NodeId self,
      NodeIdentity identity,
      Consumer<String> refused,
      Consumer<String> leftOut) {
    this.raft = raft;
    this.self = self;
    this.identity = identity;
    this.refused = refused;
    this.leftOut = leftOut;
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, self + "-peers");
              thread.setDaemon(true);
              return thread;
            });
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
      peers.put(member.id(), new Peer(false, before.position(), reason));
      boolean misspelt =
          reason.equals(NetworkFaults.unknownHost(member.host())) && unknown.add(member.id());
      if (before.reachable() || misspelt) {
        silent(log.atWarn(), member, reason);
      } else if (before.reason().isEmpty()) {
        silent(log.atInfo(), member, reason);
      }
      return;
    }
    unknown.remove(member.id());
    peers.put(member.id(), new Peer(true, reply.getPosition(), ""));
    if (!before.reachable()) {
      log.atInfo().addKeyValue("node", member.id()).log("node reachable");
    }
    Optional<String> without = Identities.leftOut(identity, reply.getIdentity());
    if (without.isPresent()) {
      leftOut.accept(without.get());
    } else if (!reply.getRefusal().isEmpty()) {
      refused.accept(
          "node %s at %s refuses this node: %s"
              .formatted(member.id().value(), member.address(), reply.getRefusal()));
    } else if (reply.getIdentity().getNodeId() != member.id().value()) {
      refused.accept(
          "%s is expected to be node %d, but node %d answers there"
              .formatted(member.address(), member.id().value(), reply.getIdentity().getNodeId()));
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
   */
  public record Peer(boolean reachable, long position, String reason) {
    static final Peer UNKNOWN = new Peer(false, -1, "");
  }
}
