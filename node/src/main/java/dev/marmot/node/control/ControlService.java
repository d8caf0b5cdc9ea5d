package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.BarrierRequest;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.ConflictsRequest;
import dev.marmot.proto.v1.ControlGrpc;
import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.DrainRequest;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.HeldRequest;
import dev.marmot.proto.v1.JoinClusterReply;
import dev.marmot.proto.v1.JoinClusterRequest;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.MoveRequest;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RebalanceRequest;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.RemoveRequest;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.RetryRequest;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.SetShardsRequest;
import dev.marmot.proto.v1.ShardsReply;
import dev.marmot.proto.v1.ShardsRequest;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.proto.v1.StatusRequest;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyRequest;
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

  @Override
  public void conflicts(ConflictsRequest request, StreamObserver<ConflictsReply> observer) {
    answer(
        calls.conflicts(request.getAfter(), Integer.toUnsignedLong(request.getLimit())), observer);
  }

  @Override
  public void held(HeldRequest request, StreamObserver<HeldReply> observer) {
    answer(calls.held(request.getAfter(), Integer.toUnsignedLong(request.getLimit())), observer);
  }

  @Override
  public void retry(RetryRequest request, StreamObserver<RetryReply> observer) {
    answer(calls.retry(), observer);
  }

  @Override
  public void shards(ShardsRequest request, StreamObserver<ShardsReply> observer) {
    answer(calls.shards(), observer);
  }

  @Override
  public void setShards(SetShardsRequest request, StreamObserver<SetShardsReply> observer) {
    answer(calls.setShards(request.getShards()), observer);
  }

  @Override
  public void move(MoveRequest request, StreamObserver<MoveReply> observer) {
    answer(calls.move(request.getShardsList(), request.getTo()), observer);
  }

  @Override
  public void drain(DrainRequest request, StreamObserver<DrainReply> observer) {
    answer(calls.drain(request.getNode()), observer);
  }

  @Override
  public void rebalance(RebalanceRequest request, StreamObserver<RebalanceReply> observer) {
    answer(calls.rebalance(), observer);
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<RemoveReply> observer) {
    answer(calls.remove(request.getNode(), request.getForce()), observer);
  }

  @Override
  public void verify(VerifyRequest request, StreamObserver<VerifyReply> observer) {
    answer(calls.verify(request), observer);
  }

  @Override
  public void saveSnapshot(
      SaveSnapshotRequest request, StreamObserver<SaveSnapshotReply> observer) {
    answer(calls.saveSnapshot(request), observer);
  }

  @Override
  public void join(JoinClusterRequest request, StreamObserver<JoinClusterReply> observer) {
    answer(calls.join(request.getTo()), observer);
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
