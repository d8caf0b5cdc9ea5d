package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.BarrierRequest;
import dev.marmot.proto.v1.ControlGrpc;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.proto.v1.StatusRequest;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletionStage;

/** The gRPC side of the pane. Thread-safe. */
final class ControlService extends ControlGrpc.ControlImplBase {
  private final ControlCalls calls;

  ControlService(ControlCalls calls) {
    this.calls = calls;
  }

  @Override
  public void status(StatusRequest request, StreamObserver<StatusReply> observer) {
    answer(calls.status(), observer);
  }

  @Override
  public void barrier(BarrierRequest request, StreamObserver<BarrierReply> observer) {
    answer(calls.barrier(request.getTimeoutMillis()), observer);
  }

  private static <T> void answer(CompletionStage<T> reply, StreamObserver<T> observer) {
    var unused =
        reply.whenComplete(
            (value, thrown) -> {
              if (thrown != null) {
                observer.onError(Faults.toGrpc(thrown));
              } else {
                observer.onNext(value);
                observer.onCompleted();
              }
            });
  }
}
