package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.LogStatus;
import dev.marmot.proto.v1.StatusReply;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A node that says what the test tells it. Thread-safe. */
public final class FakeControlPlane implements ControlPlane {
  public volatile boolean alive = true;
  public volatile Readiness readiness = Readiness.ok();
  public volatile CompletionStage<BarrierReply> barrier =
      CompletableFuture.completedFuture(
          BarrierReply.newBuilder().setPosition(12).setTookMillis(3).build());
  public volatile Duration askedTimeout = Duration.ZERO;
  public volatile StatusReply status =
      StatusReply.newBuilder()
          .setNode(1)
          .setCluster("marmot")
          .setState("REPLICATING")
          .setReady(true)
          .setPositionIndex(9_007_199_254_740_991L)
          .addLogs(LogStatus.newBuilder().setName("order log").setLeader(2).setApplied(12))
          .build();

  @Override
  public StatusReply status() {
    return status;
  }

  @Override
  public CompletionStage<BarrierReply> barrier(Duration timeout) {
    askedTimeout = timeout;
    return barrier;
  }

  @Override
  public boolean alive() {
    return alive;
  }

  @Override
  public Readiness readiness() {
    return readiness;
  }
}
