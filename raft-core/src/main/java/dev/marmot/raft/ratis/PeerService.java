package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.PeerReply;
import dev.marmot.proto.v1.PeerRequest;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerServiceDefinition;
import org.apache.ratis.thirdparty.io.grpc.stub.ServerCallStreamObserver;
import org.apache.ratis.thirdparty.io.grpc.stub.ServerCalls;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the calls of other nodes. Thread-safe. */
final class PeerService {
  private static final Logger log = LoggerFactory.getLogger(PeerService.class);

  private final String cluster;
  private final NodeId self;
  private final Map<String, PeerHandler> open;
  private final Map<String, PeerHandler> membersOnly;

  /**
   * A service.
   *
   * @param open methods that answer anybody
   * @param membersOnly methods for callers of this cluster that mean this node
   */
  PeerService(
      String cluster,
      NodeId self,
      Map<String, PeerHandler> open,
      Map<String, PeerHandler> membersOnly) {
    this.cluster = cluster;
    this.self = self;
    this.open = Map.copyOf(open);
    // More are added before the service is open.
    this.membersOnly = membersOnly;
  }

  ServerServiceDefinition definition() {
    return ServerServiceDefinition.builder(PeerProtocol.SERVICE)
        .addMethod(PeerProtocol.CALLS, this::startCall)
        .build();
  }

  private ServerCall.Listener<PeerRequest> startCall(
      ServerCall<PeerRequest, PeerReply> call, Metadata headers) {
    String refusal = refusal(headers.get(PeerProtocol.CLUSTER), headers.get(PeerProtocol.CALLEE));
    return ServerCalls.<PeerRequest, PeerReply>asyncBidiStreamingCall(
            replies ->
                new Session((ServerCallStreamObserver<PeerReply>) replies, refusal).greeted())
        .startCall(call, headers);
  }

  private @Nullable String refusal(@Nullable String callersCluster, @Nullable String callee) {
    if (!cluster.equals(callersCluster)) {
      return "this is cluster " + cluster + ", the caller belongs to " + callersCluster;
    }
    return self.toString().equals(callee)
        ? null
        : "this is node " + self + ", the caller meant " + callee + "; check the addresses";
  }

  /** One caller's stream. Thread-safe. */
  private final class Session implements StreamObserver<PeerRequest> {
    private final @Nullable String refusal;

    @GuardedBy("this")
    private final ServerCallStreamObserver<PeerReply> replies;

    Session(ServerCallStreamObserver<PeerReply> replies, @Nullable String refusal) {
      this.replies = replies;
      this.refusal = refusal;
    }

    synchronized Session greeted() {
      // With a handler for it, replies to a caller that is gone are dropped instead of thrown.
      replies.setOnCancelHandler(() -> log.atDebug().log("peer stream cancelled"));
      replies.onNext(PeerReply.getDefaultInstance());
      return this;
    }

    @Override
    public void onNext(PeerRequest request) {
      PeerHandler handler = membersOnly.get(request.getMethod());
      if (handler != null && refusal != null) {
        reply(error(request, refusal));
        return;
      }
      if (handler == null) {
        handler = open.get(request.getMethod());
      }
      if (handler == null) {
        reply(error(request, "unknown method " + request.getMethod()));
        return;
      }
      try {
        var unused =
            handler
                .handle(request.getBody())
                .whenComplete(
                    (body, failure) ->
                        reply(failure == null ? result(request, body) : error(request, failure)));
      } catch (RuntimeException e) {
        log.atWarn().addKeyValue("method", request.getMethod()).setCause(e).log("peer call failed");
        reply(error(request, e));
      }
    }

    private PeerReply result(PeerRequest request, ByteString body) {
      return PeerReply.newBuilder().setId(request.getId()).setBody(body).build();
    }

    private PeerReply error(PeerRequest request, Throwable failure) {
      Throwable cause =
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : failure;
      return error(request, String.valueOf(cause.getMessage()));
    }

    private PeerReply error(PeerRequest request, String why) {
      return PeerReply.newBuilder().setId(request.getId()).setError(why).build();
    }

    private synchronized void reply(PeerReply reply) {
      replies.onNext(reply);
    }

    @Override
    public void onError(Throwable cause) {
      log.atDebug().addKeyValue("cause", cause.getMessage()).log("peer stream broken");
    }

    @Override
    public synchronized void onCompleted() {
      replies.onCompleted();
    }
  }
}
