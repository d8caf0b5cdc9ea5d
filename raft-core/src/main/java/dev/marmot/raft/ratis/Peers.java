package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerCallException.Arrival;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Calls to every node, this one included. Thread-safe. */
final class Peers {
  private static final long RECONNECT_MILLIS = 500;

  private final NodeId self;
  private final String cluster;
  private final Map<String, PeerHandler> ownHandlers = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer;
  private final Map<NodeId, PeerLink> links = new ConcurrentHashMap<>();
  private volatile Set<NodeId> members = Set.of();
  private volatile boolean closed;

  Peers(RaftOptions options, ScheduledExecutorService timer) {
    this.self = options.self();
    this.cluster = options.cluster();
    this.timer = timer;
    ownHandlers.putAll(options.handlers());
    options.members().forEach(this::know);
  }

  /** What this node answers itself, also when it asks itself. */
  void answer(Map<String, PeerHandler> handlers) {
    ownHandlers.putAll(handlers);
  }

  /** Keeps trying to reach everybody, so that a restarted node is reachable at once. */
  void start() {
    // Ends with the timer, which belongs to the node.
    var unused =
        timer.scheduleWithFixedDelay(
            () -> links.values().forEach(PeerLink::retryConnection),
            RECONNECT_MILLIS,
            RECONNECT_MILLIS,
            TimeUnit.MILLISECONDS);
  }

  /** A node that may be called from now on, if it was unknown. */
  synchronized void introduce(Member member) {
    if (!links.containsKey(member.id())) {
      know(member);
    }
  }

  /** A node that may be called from now on, at this address. */
  synchronized void know(Member member) {
    if (member.id().equals(self) || closed) {
      return;
    }
    PeerLink known = links.get(member.id());
    if (known == null || !known.address().equals(member.address())) {
      links.put(member.id(), new PeerLink(cluster, member, timer));
      if (known != null) {
        known.close();
      }
    }
  }

  /**
   * A connection of its own to a node that wants to be a member, and may have the number of one;
   * the caller closes it.
   */
  PeerLink direct(Member member) {
    return new PeerLink(cluster, member, timer);
  }

  /** Closes the connection to a node that is called no more. */
  synchronized void forget(NodeId node) {
    PeerLink link = links.remove(node);
    if (link != null) {
      link.close();
    }
  }

  /** Everybody who can be called, without this node. */
  List<NodeId> others() {
    return List.copyOf(links.keySet());
  }

  /** Whoever was a member and is none any more is forgotten. */
  void members(List<Member> now) {
    Set<NodeId> ids = new HashSet<>();
    now.forEach(member -> ids.add(member.id()));
    now.forEach(this::know);
    Map<NodeId, PeerLink> gone = new HashMap<>(links);
    gone.keySet().retainAll(members);
    gone.keySet().removeAll(ids);
    gone.forEach(
        (node, link) -> {
          links.remove(node, link);
          link.close();
        });
    members = ids;
  }

  CompletableFuture<ByteString> call(
      NodeId node, String method, ByteString request, Duration timeout) {
    if (node.equals(self)) {
      return callSelf(method, request, timeout);
    }
    PeerLink link = links.get(node);
    return link == null
        ? failed(method, node, "it is not a member of the cluster")
        : link.call(method, request, timeout);
  }

  private CompletableFuture<ByteString> callSelf(
      String method, ByteString request, Duration timeout) {
    PeerHandler handler = ownHandlers.get(method);
    if (handler == null) {
      return failed(method, self, "unknown method");
    }
    CompletableFuture<ByteString> result = new CompletableFuture<>();
    var unused =
        handler
            .handle(request)
            .whenComplete(
                (body, failure) -> {
                  if (failure == null) {
                    result.complete(body);
                  } else {
                    result.completeExceptionally(failure);
                  }
                });
    ScheduledFuture<?> expiry =
        timer.schedule(
            () ->
                result.completeExceptionally(
                    exception(
                        method,
                        self,
                        "no answer within " + timeout.toMillis() + " ms",
                        Arrival.UNKNOWN)),
            timeout.toNanos(),
            TimeUnit.NANOSECONDS);
    return result.whenComplete((body, failure) -> expiry.cancel(false));
  }

  private static CompletableFuture<ByteString> failed(String method, NodeId node, String why) {
    return CompletableFuture.failedFuture(exception(method, node, why, Arrival.NOT_ARRIVED));
  }

  private static PeerCallException exception(
      String method, NodeId node, String why, Arrival arrival) {
    return new PeerCallException("cannot call " + method + " on " + node, why, arrival);
  }

  synchronized void close() {
    closed = true;
    links.values().forEach(PeerLink::close);
  }
}
