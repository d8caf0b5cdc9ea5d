package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.control.ClusterPlane;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.control.Readiness;
import dev.marmot.node.control.Safekeeping;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.snapshot.Introduction;
import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.JoinClusterReply;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.StatusReply;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What the control pane of a node answers while the node starts, which may take long: while it
 * waits to be told which cluster to join ({@code marmot run --follow}), brings a database, reads
 * its file. Then what that node answers. What it was told survives a restart. Thread-safe.
 */
public final class Starting implements ControlPlane {
  private final NodeConfig config;
  private final CompletableFuture<Address> told = new CompletableFuture<>();
  private volatile @Nullable ControlPlane node;
  private volatile String progress = "";

  public Starting(NodeConfig config) {
    this.config = config;
  }

  /** What the node is to be started with; a node that follows waits until somebody said it. */
  public NodeConfig await() throws IOException, InterruptedException {
    if (!config.raft().follow()) {
      return config;
    }
    try (NodeDirectory directory = NodeDirectory.open(config.raft().directory())) {
      Optional<Address> before = directory.told().map(Address::parse);
      Address member = before.isPresent() ? before.get() : told.get();
      directory.told(member.toString());
      return config.joining(member);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What the start is doing now. */
  public void progress(String what) {
    progress = what;
  }

  /** The node runs, and answers from now on. */
  public void became(ControlPlane started) {
    node = started;
  }

  private ControlPlane node() {
    ControlPlane now = node;
    if (now == null) {
      throw new ControlException(Kind.UNAVAILABLE, "cannot do this yet: " + waiting());
    }
    return now;
  }

  private boolean untold() {
    return config.raft().follow() && !told.isDone() && progress.isEmpty();
  }

  private String waiting() {
    String now = progress;
    if (untold()) {
      return "this node waits to be told which cluster to join (marmot join --to HOST:PORT)";
    }
    return "this node is starting" + (now.isEmpty() ? "" : ": " + now);
  }

  @Override
  public CompletionStage<JoinClusterReply> join(String to) {
    if (!config.raft().follow()) {
      return ControlPlane.super.join(to);
    }
    Address member;
    try {
      member = Address.parse(to);
    } catch (IllegalArgumentException e) {
      throw new ControlException(Kind.INVALID, "to: " + e.getMessage() + " (got " + to + ")", e);
    }
    NodeIdentity cluster;
    try {
      cluster = Introduction.describe(member).getIdentity();
    } catch (IOException e) {
      throw new ControlException(Kind.UNAVAILABLE, String.valueOf(e.getMessage()), e);
    }
    if (!told.complete(member) && !told.join().equals(member)) {
      throw new ControlException(
          Kind.INVALID, "cannot join through %s: this node was told %s".formatted(to, told.join()));
    }
    return CompletableFuture.completedFuture(
        JoinClusterReply.newBuilder()
            .setNode(config.self().value())
            .setCluster(cluster.getClusterName())
            .build());
  }

  @Override
  public StatusReply status() {
    ControlPlane now = node;
    return now != null
        ? now.status()
        : StatusReply.newBuilder()
            .setNode(config.self().value())
            .setVersion(Version.current())
            .setState(untold() ? "WAITING_TO_JOIN" : "STARTING")
            .setDatabase(config.database().toString())
            .setPositionIndex(-1)
            .addWarnings(waiting())
            .build();
  }

  @Override
  public Readiness readiness() {
    ControlPlane now = node;
    return now == null ? Readiness.notYet(waiting()) : now.readiness();
  }

  @Override
  public boolean alive() {
    ControlPlane now = node;
    return now == null || now.alive();
  }

  @Override
  public CompletionStage<BarrierReply> barrier(Duration timeout) {
    return node().barrier(timeout);
  }

  @Override
  public ConflictsReply conflicts(long after, int limit) {
    return node().conflicts(after, limit);
  }

  @Override
  public HeldReply held(long after, int limit) {
    return node().held(after, limit);
  }

  @Override
  public CompletionStage<RetryReply> retry() {
    return node().retry();
  }

  @Override
  public ClusterPlane cluster() {
    return node().cluster();
  }

  @Override
  public Safekeeping safekeeping() {
    return node().safekeeping();
  }
}
