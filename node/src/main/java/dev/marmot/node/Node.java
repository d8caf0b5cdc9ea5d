package dev.marmot.node;

import dev.marmot.node.backup.SnapshotSaver;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.identity.StartCheck;
import dev.marmot.node.identity.StartCheck.FileFacts;
import dev.marmot.node.peer.Barrier;
import dev.marmot.node.peer.PeerCalls;
import dev.marmot.node.peer.PeerWatch;
import dev.marmot.node.replication.ApplierOptions;
import dev.marmot.node.replication.OriginOptions;
import dev.marmot.node.replication.Replicator;
import dev.marmot.node.verify.Verifier;
import dev.marmot.node.verify.VerifyReadings;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import dev.marmot.raft.ratis.RatisNode;
import dev.marmot.sqlite.hooks.Cleanup;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running node, and the composition root that puts its parts together. Thread-safe.
 *
 * <p>The order of assembly matters: the file is hooked before anything else, so that no write of
 * the application goes unseen; identity is checked before a raft log is opened, so that no node
 * votes as somebody else; the replicator listens before the raft logs start to hand over entries.
 */
public final class Node implements RunningNode {
  private static final Logger log = LoggerFactory.getLogger(Node.class);

  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final ControlPlane control;

  private Node(NodeConfig config) throws IOException {
    try {
      control = assemble(config);
    } catch (IOException | RuntimeException e) {
      closeParts();
      throw e;
    }
  }

  /**
   * Starts a node. Returns as soon as its parts run, without waiting for a quorum.
   *
   * @throws IllegalStateException when it cannot start, with a message for the operator
   */
  public static RunningNode start(NodeConfig config) {
    try {
      return new Node(config);
    } catch (IOException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Removes every trace of Marmot from a SQLite file. */
  public static Cleanup.Cleaned cleanup(Path database) {
    return new Cleanup(new DatabaseFile(database, Duration.ofSeconds(5))).run();
  }

  private ControlPlane assemble(NodeConfig config) throws IOException {
    if (config.raft().follow()) {
      throw new IOException(
          "cannot start node %d: follow waits to be added to a running cluster, which this version"
                  .formatted(config.self().value())
              + " cannot do; start all nodes with the same bootstrap list");
    }
    NodeDirectory directory = part(NodeDirectory.open(config.raft().directory()));
    SqliteReplicaStore store =
        part(
            SqliteReplicaStore.open(
                config.database(),
                StoreOptions.defaults(config.self() + "")
                    .withExcluded(config.replication().excluded())));
    NodeIdentity identity = identify(config, directory, store);
    Replicator replicator =
        part(
            new Replicator(
                config.self().value(),
                store,
                directory.epochCounter(),
                OriginOptions.DEFAULT
                    .withInlineLimit(config.replication().inlineLimit())
                    .withMostRows(config.replication().maxChangeSetRows()),
                ApplierOptions.DEFAULT.withMaxHold(config.replication().maxApply())));
    VerifyReadings readings = part(new VerifyReadings(config.self().value(), store));
    replicator.onFence(readings::fired);
    Map<String, PeerHandler> handlers =
        new HashMap<>(PeerCalls.handlers(identity, replicator, () -> store.state().position()));
    handlers.putAll(readings.handlers());
    RaftOptions options =
        new RaftOptions(
            identity.getCluster(),
            config.self(),
            config.raft().members(),
            config.raft().bind().host(),
            config.raft().bind().port(),
            directory.raftLogs(),
            config.raft().shards(),
            handlers);
    RaftNode raft = part(RatisNode.open(options, replicator, this::fail));
    raft.start();
    replicator.start(raft, () -> leadsOrderLog(raft, config.self()));
    NodeControl nodeControl = new NodeControl(config, identity, store, replicator, raft);
    PeerWatch peers =
        part(new PeerWatch(raft, config.self(), identity, reason -> refused(reason, nodeControl)));
    Barrier barrier = new Barrier(raft, config.self(), replicator);
    nodeControl.watch(peers, barrier);
    nodeControl.keepSafe(
        part(
            new NodeSafekeeping(
                new Verifier(raft, config.self(), replicator, barrier),
                new SnapshotSaver(
                    config.self().toString(),
                    Version.current(),
                    replicator::donate,
                    Clock.systemUTC()))));
    peers.start();
    part(nodeControl.announce());
    return nodeControl;
  }

  private static boolean leadsOrderLog(RaftNode raft, NodeId self) {
    return raft.status().get(0).leader().filter(self::equals).isPresent();
  }

  /** Checks that options, directory and file belong together; writes down what is new. */
  private static NodeIdentity identify(
      NodeConfig config, NodeDirectory directory, SqliteReplicaStore store) throws IOException {
    NodeIdentity wanted = Identities.of(config).toBuilder().setFile(store.state().file()).build();
    FileFacts facts =
        new FileFacts(
            config.database(),
            store.state().file(),
            store.meta("cluster"),
            store.meta("node"),
            store.state().position());
    Optional<NodeIdentity> stored = directory.identity();
    Optional<String> refusal = StartCheck.refusal(wanted, directory.path(), stored, facts);
    if (refusal.isPresent()) {
      throw new IOException(refusal.get());
    }
    if (facts.cluster().isEmpty() || facts.node().isEmpty()) {
      store.meta("cluster", wanted.getCluster());
      store.meta("node", Integer.toString(wanted.getNodeId()));
    }
    if (stored.isEmpty() || !stored.get().getExcludedList().equals(wanted.getExcludedList())) {
      directory.identity(wanted);
    }
    return wanted;
  }

  /** Another node says that this one does not belong: fatal while starting, a warning later. */
  private void refused(String reason, NodeControl nodeControl) {
    if (nodeControl.everReady()) {
      nodeControl.warn(reason);
    } else {
      fail(
          new IllegalStateException(
              "cannot start: " + reason + "; give all nodes the same options"));
    }
  }

  private void fail(Throwable failure) {
    log.atError().setCause(failure).log("node failed");
    ended.completeExceptionally(failure);
  }

  private <T extends AutoCloseable> T part(T opened) {
    parts.push(opened);
    return opened;
  }

  @Override
  public ControlPlane control() {
    return control;
  }

  @Override
  public void awaitTermination() throws InterruptedException {
    try {
      ended.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw new IllegalStateException(
          String.valueOf(cause == null ? e.getMessage() : cause.getMessage()), cause);
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      closeParts();
      ended.complete(null);
    }
  }

  /** In the reverse order of assembly; one that fails does not keep the others open. */
  private void closeParts() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        log.atWarn().addKeyValue("part", part.getClass().getSimpleName()).setCause(e).log("close");
      }
    }
  }
}
