package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.PeerReply;
import dev.marmot.proto.v1.PeerRequest;
import dev.marmot.raft.Member;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerCallException.Arrival;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.grpc.CallOptions;
import org.apache.ratis.thirdparty.io.grpc.ClientInterceptors;
import org.apache.ratis.thirdparty.io.grpc.ConnectivityState;
import org.apache.ratis.thirdparty.io.grpc.Context;
import org.apache.ratis.thirdparty.io.grpc.ManagedChannel;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyChannelBuilder;
import org.apache.ratis.thirdparty.io.grpc.stub.ClientCalls;
import org.apache.ratis.thirdparty.io.grpc.stub.MetadataUtils;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelOption;
import org.jspecify.annotations.Nullable;

/**
 * Calls to one other node, over one stream that is opened again when it broke. Thread-safe.
 *
 * <p>Nothing is sent before the other node has greeted. So when a connection cannot be had, the
 * caller learns that its call has certainly not arrived, and may repeat it.
 */
final class PeerLink implements AutoCloseable {
  private static final int MAX_WAITING = 4096;
  private static final int CONNECT_TIMEOUT_MILLIS = 2000;

  private final Member member;
  private final ScheduledExecutorService timer;
  private final ManagedChannel channel;
  private final Metadata headers = new Metadata();

  @GuardedBy("this")
  private @Nullable Stream stream;

  @GuardedBy("this")
  private long lastId;

  @GuardedBy("this")
  private boolean closed;

  PeerLink(String cluster, Member member, ScheduledExecutorService timer) {
    this.member = member;
    this.timer = timer;
    headers.put(PeerProtocol.CLUSTER, cluster);
    headers.put(PeerProtocol.CALLEE, member.id().toString());
    channel =
        NettyChannelBuilder.forTarget(member.address())
            .usePlaintext()
            .proxyDetector(target -> null)
            .directExecutor()
            .disableRetry()
            .maxInboundMessageSize(RatisOptions.MAX_MESSAGE_BYTES)
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
            // A node that vanished without closing its connections is noticed within 10 s.
            .keepAliveTime(6, TimeUnit.SECONDS)
            .keepAliveTimeout(4, TimeUnit.SECONDS)
            .build();
  }

  String address() {
    return member.address();
  }

  CompletableFuture<ByteString> call(String method, ByteString body, Duration timeout) {
    Call call = new Call(method);
    Stream used = null;
    long id = 0;
    String failure = null;
    synchronized (this) {
      if (closed) {
        failure = "this node is closing";
      } else {
        used = stream == null ? connect() : stream;
        id = ++lastId;
        failure = used.send(id, call, body);
      }
    }
    if (failure != null || used == null) {
      call.fail(String.valueOf(failure), Arrival.NOT_ARRIVED);
    } else {
      expireLater(used, id, call, timeout);
    }
    return call.result;
  }

  private void expireLater(Stream used, long id, Call call, Duration timeout) {
    try {
      ScheduledFuture<?> expiry =
          timer.schedule(
              () -> used.expire(id, call, timeout), timeout.toNanos(), TimeUnit.NANOSECONDS);
      var unused = call.result.whenComplete((body, failure) -> expiry.cancel(false));
    } catch (RejectedExecutionException e) {
      call.fail("this node is closing", Arrival.UNKNOWN);
    }
  }

  @GuardedBy("this")
  private Stream connect() {
    retryConnection();
    Stream opened = new Stream();
    opened.open();
    stream = opened.broken == null ? opened : null;
    return opened;
  }

  /** Called regularly: gRPC alone would pause up to two minutes between its attempts. */
  void retryConnection() {
    if (channel.getState(true) == ConnectivityState.TRANSIENT_FAILURE) {
      channel.resetConnectBackoff();
    }
  }

  /**
   * gRPC may end a stream inside a call of ours that holds the lock; callers know nothing of it.
   */
  private void failLater(Runnable task) {
    try {
      timer.execute(task);
    } catch (RejectedExecutionException e) {
      // The node is closed: nobody takes this link's lock any more.
      task.run();
    }
  }

  @Override
  public void close() {
    Stream last;
    synchronized (this) {
      closed = true;
      last = stream;
    }
    if (last != null) {
      last.detach("this node is closing").run();
    }
    channel.shutdownNow();
  }

  /** One call that waits for its answer. Thread-safe. */
  private final class Call {
    final CompletableFuture<ByteString> result = new CompletableFuture<>();
    private final String method;

    Call(String method) {
      this.method = method;
    }

    void fail(String why, Arrival arrival) {
      result.completeExceptionally(
          new PeerCallException(
              "cannot call " + method + " on " + member.id() + " (" + member.address() + ")",
              why,
              arrival));
    }
  }

  /** One life of the stream. Its state is guarded by the link. */
  private final class Stream implements StreamObserver<PeerReply> {
    private final Map<Long, Call> calls = new ConcurrentHashMap<>();
    private final Queue<PeerRequest> waiting = new ArrayDeque<>();
    private @Nullable StreamObserver<PeerRequest> requests;
    private boolean greeted;
    private @Nullable String broken;

    /**
     * Whoever needs the stream first opens it for all. If that is a thread that answers another
     * node, gRPC would end the stream when that node's call is over: so it is opened outside of it.
     */
    void open() {
      Context.ROOT.run(
          () ->
              requests =
                  ClientCalls.asyncBidiStreamingCall(
                      ClientInterceptors.intercept(
                              channel, MetadataUtils.newAttachHeadersInterceptor(headers))
                          .newCall(PeerProtocol.CALLS, CallOptions.DEFAULT),
                      this));
    }

    /** Returns why not, or null. Called under the lock of the link. */
    @Nullable String send(long id, Call call, ByteString body) {
      if (broken != null) {
        return broken;
      }
      if (calls.size() >= MAX_WAITING) {
        return MAX_WAITING + " calls wait for an answer";
      }
      PeerRequest request =
          PeerRequest.newBuilder().setId(id).setMethod(call.method).setBody(body).build();
      calls.put(id, call);
      if (greeted && requests != null) {
        requests.onNext(request);
      } else {
        waiting.add(request);
      }
      return null;
    }

    void expire(long id, Call call, Duration timeout) {
      boolean sent;
      synchronized (PeerLink.this) {
        calls.remove(id);
        sent = !waiting.removeIf(request -> request.getId() == id);
      }
      call.fail(
          "no " + (sent ? "answer" : "connection") + " within " + timeout.toMillis() + " ms",
          sent ? Arrival.UNKNOWN : Arrival.NOT_ARRIVED);
    }

    @Override
    public void onNext(PeerReply reply) {
      if (reply.getId() == 0) {
        synchronized (PeerLink.this) {
          greeted = true;
          if (requests != null) {
            waiting.forEach(requests::onNext);
          }
          waiting.clear();
        }
        return;
      }
      Call call = calls.remove(reply.getId());
      if (call == null) {
        return;
      }
      if (reply.hasError()) {
        call.fail(reply.getError(), Arrival.REFUSED);
      } else {
        call.result.complete(reply.getBody());
      }
    }

    @Override
    public void onError(Throwable cause) {
      boolean known;
      synchronized (PeerLink.this) {
        known = greeted;
      }
      end(CallFaults.reason(Status.fromThrowable(cause), member.host(), member.port(), known));
    }

    @Override
    public void onCompleted() {
      end("the other node closed the connection");
    }

    private void end(String why) {
      failLater(detach(why));
    }

    /** Ends the stream; what is returned tells the callers, without the lock. */
    Runnable detach(String why) {
      synchronized (PeerLink.this) {
        broken = why;
        Arrival arrival = greeted ? Arrival.UNKNOWN : Arrival.NOT_ARRIVED;
        List<Call> lost = List.copyOf(calls.values());
        calls.clear();
        waiting.clear();
        if (stream == this) {
          stream = null;
        }
        return () -> lost.forEach(call -> call.fail(why, arrival));
      }
    }
  }
}
