package dev.marmot.node;

import dev.marmot.node.Startup.Prepared;
import dev.marmot.node.backup.SnapshotSaver;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.first.FirstContents;
import dev.marmot.node.first.FirstStart;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.peer.Barrier;
import dev.marmot.node.peer.ConflictCalls;
import dev.marmot.node.peer.ConflictExchange;
import dev.marmot.node.peer.Membership;
import dev.marmot.node.peer.PeerCalls;
import dev.marmot.node.peer.PeerCalls.Standing;
import dev.marmot.node.peer.PeerWatch;
import dev.marmot.node.peer.SchemaWatch;
import dev.marmot.node.replication.ApplierOptions;
import dev.marmot.node.replication.OriginOptions;
import dev.marmot.node.replication.Replicator;
import dev.marmot.node.snapshot.Admission;
import dev.marmot.node.snapshot.Recovery;
import dev.marmot.node.snapshot.SnapshotDonor;
import dev.marmot.node.verify.Verifier;
import dev.marmot.node.verify.VerifyReadings;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import dev.marmot.raft.RemovedException;
import dev.marmot.raft.Retention;
import dev.marmot.raft.ratis.RatisNode;
import dev.marmot.sqlite.FileFaults;
import dev.marmot.sqlite.hooks.Cleanup;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.DatabaseLock;
import dev.marmot.sqlite.store.Adoption;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
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

  private Node(NodeConfig config, Consumer<String> progress) throws IOException {
    try {
      control = assemble(config, progress);
    } catch (IOException | RuntimeException e) {
      closeParts();
      throw e;
    }
  }

  /**
   * Starts a node. Returns as soon as its parts run, without waiting for a quorum.
   *
   * @param progress told, in words for the operator, what the start is doing
   * @throws IllegalStateException when it cannot start, with a message for the operator
   */
  public static RunningNode start(NodeConfig config, Consumer<String> progress) {
    try {
      return new Node(config, progress);
    } catch (IOException e) {
      throw new IllegalStateException(cannotStart(config.self(), e), e);
    }
  }

  /** What the operator reads; much of it is said where it was found. */
  private static String cannotStart(NodeId self, IOException failure) {
    String message = String.valueOf(failure.getMessage());
    return message.startsWith("cannot ")
        ? message
        : "cannot start node %d: %s".formatted(self.value(), FileFaults.advice(failure));
  }

  /** Removes every trace of Marmot from a SQLite file. */
  public static Cleanup.Cleaned cleanup(Path database) {
    DatabaseLock lock = DatabaseLock.take(database, "marmot cleanup");
    boolean done = false;
    try {
      Cleanup.Cleaned cleaned =
          new Cleanup(new DatabaseFile(database, Duration.ofSeconds(5))).run();
      done = true;
      return cleaned;
    } finally {
      if (done) {
        lock.remove();
      } else {
        lock.close();
      }
    }
  }

  private static SnapshotDonor donor(
      NodeConfig config, Replicator replicator, SqliteReplicaStore store) {
    return new SnapshotDonor(
        config.self().value(), replicator::donate, () -> store.state().position());
  }

  private ControlPlane assemble(NodeConfig config, Consumer<String> progress) throws IOException {
    Claim claim = part(Claim.of(config));
    NodeDirectory directory = claim.directory();
    Prepared prepared = new Startup(config, directory, progress).prepare();
    progress.accept("opens the raft logs");
    SqliteReplicaStore store = part(prepared.store());
    NodeIdentity identity = Identities.withEncoding(prepared.identity(), store.charset());
    Replicator replicator = replicator(config, prepared);
    SnapshotDonor donor = part(donor(config, replicator, store));
    VerifyReadings readings = part(new VerifyReadings(config.self().value(), store));
    replicator.onFence(readings::fired);
    replicator.onOlderCopy(this::fail);
    Late late = new Late();
    Map<String, PeerHandler> handlers = new HashMap<>(donor.handlers());
    handlers.putAll(late.handlers(identity, replicator, store));
    handlers.putAll(readings.handlers());
    SchemaWatch schemas = schemas(config, store, handlers);
    handlers.putAll(ConflictCalls.handlers(store));
    FirstStart first = new FirstStart(prepared.content(), this::fail);
    handlers.putAll(first.handlers());
    RaftNode raft =
        part(RatisNode.open(raft(config, directory, prepared, handlers), replicator, this::fail));
    part(replicator); // ends before the logs that it reads and proposes to
    late.raft().complete(raft);
    enter(raft, first);
    claim.begun();
    NodeControl nodeControl = new NodeControl(config, identity, store, replicator, raft);
    nodeControl.warnings(schemas.start(raft)::warnings);
    late.control().set(nodeControl);
    PeerWatch peers = part(new PeerWatch(raft, config.self(), identity, place(nodeControl)));
    late.peers().complete(peers);
    Recovery recovery =
        part(
            new Recovery(
                raft, config.self(), replicator, peers, directory.snapshots(), config.database()));
    ConflictExchange conflicts = part(new ConflictExchange(raft, config.self(), store, replicator));
    Barrier barrier = new Barrier(raft, config.self(), replicator);
    nodeControl.watch(peers, barrier);
    nodeControl.keepSafe(part(safekeeping(config, raft, replicator, barrier)));
    obstacles(nodeControl, raft, recovery, first, peers);
    peers.start();
    part(first)
        .start(
            raft,
            (agreed, take) -> {
              keep(config, prepared, replicator, agreed, take);
              takePart(raft, first);
              replicator.start(raft, () -> leadsOrderLog(raft, config.self()));
              recovery.start();
              conflicts.start();
            });
    if (prepared.joining()) {
      join(config, raft, nodeControl);
    }
    part(nodeControl.announce());
    return nodeControl;
  }

  /** What else keeps a node from replicating. */
  private static void obstacles(
      NodeControl nodeControl,
      RaftNode raft,
      Recovery recovery,
      FirstStart first,
      PeerWatch peers) {
    nodeControl.ready(raft::shortage);
    nodeControl.ready(recovery::state);
    nodeControl.ready(first::state);
    nodeControl.ready(() -> nodeControl.everReady() ? Optional.empty() : peers.differing());
  }

  /**
   * Opens the raft logs of a node that knows who it is. One that begins with the others asks them
   * first: its disk may have been emptied, and then it must not vote.
   */
  private static void enter(RaftNode raft, FirstStart first) throws IOException {
    if (first.isOver()) {
      raft.start();
    } else {
      raft.listen();
    }
  }

  /** The first comparison is over: one that waited for it opens its raft logs now. */
  private static void takePart(RaftNode raft, FirstStart first) throws IOException {
    if (!first.isOver()) {
      raft.start();
    }
  }

  /** Has this node made a member. */
  private void join(NodeConfig config, RaftNode raft, NodeControl nodeControl) {
    Admission admission =
        part(new Admission(raft, self(config), config.raft().replace(), this::fail));
    nodeControl.ready(admission::state);
    admission.start();
  }

  /** Notes in the file what the nodes agreed on at the first start. */
  private static void keep(
      NodeConfig config,
      Prepared prepared,
      Replicator replicator,
      FirstContent agreed,
      boolean take) {
    if (agreed.equals(prepared.content())) {
      return;
    }
    if (take) {
      Path kept = Adoption.keepAside(config.database(), Instant.now());
      log.atWarn().addKeyValue("copy", kept).log("the file's rows give way to another node's");
      prepared.store().requireInstall();
      replicator.doubtRows();
    }
    FirstContents.write(prepared.store(), agreed);
  }

  private static NodeSafekeeping safekeeping(
      NodeConfig config, RaftNode raft, Replicator replicator, Barrier barrier) {
    return new NodeSafekeeping(
        new Verifier(raft, config.self(), replicator, barrier),
        new SnapshotSaver(
            config.self().toString(), Version.current(), replicator::donate, Clock.systemUTC()));
  }

  private static Replicator replicator(NodeConfig config, Prepared prepared) {
    Replicator replicator =
        new Replicator(
            config.self().value(),
            prepared.store(),
            prepared.epochs(),
            OriginOptions.DEFAULT
                .withInlineLimit(config.replication().inlineLimit())
                .withMostRows(config.replication().maxChangeSetRows()),
            ApplierOptions.DEFAULT.withMaxHold(config.replication().maxApply()));
    if (prepared.rowsInDoubt()) {
      replicator.doubtRows();
    }
    return replicator;
  }

  private static RaftOptions raft(
      NodeConfig config,
      NodeDirectory directory,
      Prepared prepared,
      Map<String, PeerHandler> handlers) {
    RaftOptions options =
        new RaftOptions(
                prepared.identity().getCluster(),
                config.self(),
                prepared.members(),
                config.raft().bind().host(),
                config.raft().bind().port(),
                directory.raftLogs(),
                prepared.identity().getShards(),
                handlers)
            .withRetention(new Retention(config.raft().maxLogEntries(), Retention.DEFAULT.bytes()));
    return prepared.joining() ? options.joining() : options;
  }

  private static Member self(NodeConfig config) {
    return config.raft().members().stream()
        .filter(member -> member.id().equals(config.self()))
        .findFirst()
        .orElseThrow();
  }

  private static boolean leadsOrderLog(RaftNode raft, NodeId self) {
    return raft.status().get(0).leader().filter(self::equals).isPresent();
  }

  /** Parts that other nodes may ask for before they are there. Immutable. */
  private record Late(
      CompletableFuture<RaftNode> raft,
      CompletableFuture<PeerWatch> peers,
      AtomicReference<@Nullable NodeControl> control) {
    Late() {
      this(new CompletableFuture<>(), new CompletableFuture<>(), new AtomicReference<>());
    }

    /** What this node answers about itself and its place in the cluster. */
    Map<String, PeerHandler> handlers(
        NodeIdentity identity, Replicator replicator, SqliteReplicaStore store) {
      Map<String, PeerHandler> handlers =
          new HashMap<>(
              PeerCalls.handlers(identity, replicator, () -> standing(store), this::introduced));
      handlers.putAll(Membership.handlers(identity, raft, peers, store::state));
      return handlers;
    }

    private void introduced(NodeIdentity other) {
      var unused = peers.thenAccept(watch -> watch.introduced(other));
    }

    private Standing standing(SqliteReplicaStore store) {
      NodeControl now = control.get();
      String name = raft.isDone() && now != null ? raft.join().name() : "";
      return new Standing(store.state().position(), name, now != null && now.everReady());
    }
  }

  /** That this node does not belong is fatal while it starts, a warning later. */
  private PeerWatch.Events place(NodeControl nodeControl) {
    return new PeerWatch.Events() {
      @Override
      public void differs(boolean ends, String why) {
        if (nodeControl.everReady()) {
          nodeControl.warn(why);
        } else if (ends) {
          fail(new IllegalStateException(why));
        }
      }

      @Override
      public void leftOut(String why) {
        fail(new RemovedException(why));
      }
    };
  }

  private void fail(Throwable failure) {
    log.atError().setCause(failure).log("node failed");
    ended.completeExceptionally(failure);
  }

  private SchemaWatch schemas(
      NodeConfig config, SqliteReplicaStore store, Map<String, PeerHandler> handlers) {
    SchemaWatch schemas = part(new SchemaWatch(config.self(), store::declarations));
    handlers.putAll(schemas.handlers());
    return schemas;
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
