package dev.marmot.node.control;

import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.ColumnValue;
import dev.marmot.proto.v1.ConflictEntry;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.HeldRow;
import dev.marmot.proto.v1.LogStatus;
import dev.marmot.proto.v1.NotSentRow;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.StatusReply;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

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

  public final FakeClusterPlane cluster = new FakeClusterPlane();

  public final List<ConflictEntry> conflicts = new CopyOnWriteArrayList<>();
  public final List<HeldRow> held = new CopyOnWriteArrayList<>();
  public final List<NotSentRow> notSent = new CopyOnWriteArrayList<>();
  public volatile RetryReply retried = RetryReply.getDefaultInstance();
  public volatile int askedLimit;

  /** Called at each look at the conflicts. */
  public volatile Runnable onConflicts = () -> {};

  /** Adds an entry to the conflict log. */
  public void conflict(long id, String text) {
    conflicts.add(
        ConflictEntry.newBuilder()
            .setId(id)
            .setTable("t")
            .addKey(value("id", "INTEGER", Long.toString(id)))
            .addLosing(value("v", "TEXT", text))
            .setLosingOrigin(1)
            .setWinningOrigin(2)
            .setPosition(40)
            .setReason("OVERWRITTEN")
            .build());
  }

  public static ColumnValue value(String column, String storageClass, String text) {
    return ColumnValue.newBuilder()
        .setColumn(column)
        .setStorageClass(storageClass)
        .setValue(text)
        .build();
  }

  @Override
  public ConflictsReply conflicts(long after, int limit) {
    onConflicts.run();
    askedLimit = limit;
    return ConflictsReply.newBuilder()
        .addAllConflicts(
            conflicts.stream().filter(entry -> entry.getId() > after).limit(limit).toList())
        .setTotal(conflicts.size())
        .setNewestId(conflicts.isEmpty() ? 0 : conflicts.get(conflicts.size() - 1).getId())
        .build();
  }

  @Override
  public HeldReply held(long after, int limit) {
    return HeldReply.newBuilder()
        .addAllRows(held.stream().filter(row -> row.getId() > after).limit(limit).toList())
        .setTotal(held.size())
        .addAllNotSent(notSent)
        .setNotSentTotal(notSent.size())
        .build();
  }

  @Override
  public CompletionStage<RetryReply> retry() {
    return CompletableFuture.completedFuture(retried);
  }

  @Override
  public ClusterPlane cluster() {
    return cluster;
  }

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
