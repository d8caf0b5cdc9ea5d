package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Calls to every node, this one included. Thread-safe. */
final class Peers {
  private static final long RECONNECT_MILLIS = 500;

  private final NodeId self;
  private final Map<String, PeerHandler> ownHandlers;
  private final ScheduledExecutorService timer;
  private final Map<NodeId, PeerLink> links = new HashMap<>();

  Peers(RaftOptions options, ScheduledExecutorService timer) {
    this.self = options.self();
    this.ownHandlers = options.handlers();
    this.timer = timer;
    for (Member member : options.members()) {
      if (!member.id().equals(self)) {
        links.put(member.id(), new PeerLink(options.cluster(), member, timer));
      }
    }
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
                        method, self, "no answer within " + timeout.toMillis() + " ms", true)),
            timeout.toNanos(),
            TimeUnit.NANOSECONDS);
    return result.whenComplete((body, failure) -> expiry.cancel(false));
  }

  private static CompletableFuture<ByteString> failed(String method, NodeId node, String why) {
    return CompletableFuture.failedFuture(exception(method, node, why, false));
  }

  private static PeerCallException exception(
      String method, NodeId node, String why, boolean mayHaveArrived) {
    return new PeerCallException(
        "cannot call " + method + " on " + node + ": " + why, mayHaveArrived);
  }

  void close() {
    links.values().forEach(PeerLink::close);
  }
}
