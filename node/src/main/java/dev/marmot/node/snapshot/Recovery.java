package dev.marmot.node.snapshot;

import dev.marmot.node.peer.PeerWatch;
import dev.marmot.node.peer.PeerWatch.Peer;
import dev.marmot.node.replication.Replicator;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.store.PageCopy;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches whether this node needs a snapshot, because no log has what it lacks, and gets it one:
 * from the node that is farthest, without asking anybody. Thread-safe; works on a thread of its
 * own.
 */
public final class Recovery implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Recovery.class);
  private static final long LOOK_MILLIS = 250;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  /** The writes that a donor waits for are ordered sooner, when that is possible at all. */
  private static final Duration ORDERED_WITHIN = Duration.ofSeconds(2);

  private final RaftNode raft;
  private final NodeId self;
  private final Replicator replicator;
  private final PeerWatch peers;
  private final Path directory;
  private final Path database;
  private final Thread thread;
  private volatile boolean running = true;
  private volatile @Nullable String problem;
  private volatile String coming = "";

  /**
   * @param directory where snapshots are kept while they come
   * @param database this node's file, which may have most of a snapshot's blocks already
   */
  public Recovery(
      RaftNode raft,
      NodeId self,
      Replicator replicator,
      PeerWatch peers,
      Path directory,
      Path database) {
    this.raft = raft;
    this.self = self;
    this.replicator = replicator;
    this.peers = peers;
    this.directory = directory;
    this.database = database;
    this.thread = new Thread(this::run, self + "-recovery");
    this.thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  /** What this node is waiting for; empty when it needs no snapshot. */
  public Optional<String> state() {
    OptionalLong needed = replicator.snapshotNeeded();
    if (needed.isEmpty()) {
      return Optional.empty();
    }
    String why = problem;
    return Optional.of(
        "needs a snapshot at position %d or later%s%s"
            .formatted(needed.getAsLong(), why == null ? "" : ": " + why, coming));
  }

  private void run() {
    try {
      while (running) {
        look();
        Thread.sleep(LOOK_MILLIS); // what is needed changes in the logs, the file and the peers
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the node closes
    }
  }

  private void look() throws InterruptedException {
    raft.mayNotLead(replicator.behindOwnLogs());
    OptionalLong needed = replicator.snapshotNeeded();
    if (needed.isEmpty()) {
      problem = null;
      return;
    }
    List<NodeId> donors = donors(needed.getAsLong());
    if (donors.isEmpty()) {
      problem = "no other node that stands there answers";
      return;
    }
    for (NodeId donor : donors) {
      try {
        install(donor, needed.getAsLong());
        return;
      } catch (IOException | RuntimeException e) {
        problem = "node %d: %s".formatted(donor.value(), e.getMessage());
        log.atWarn().addKeyValue("donor", donor).setCause(e).log("no snapshot from this node");
      }
    }
  }

  /** Nodes that stand far enough, the farthest first. */
  private List<NodeId> donors(long position) {
    List<NodeId> donors = new ArrayList<>();
    for (Member member : raft.members()) {
      Optional<Peer> peer = peers.peer(member.id());
      if (!member.id().equals(self)
          && peer.filter(p -> p.reachable() && p.position() >= position).isPresent()) {
        donors.add(member.id());
      }
    }
    donors.sort(
        Comparator.comparingLong((NodeId node) -> peers.peer(node).map(Peer::position).orElse(-1L))
            .reversed());
    return donors;
  }

  private void install(NodeId donor, long needed) throws IOException, InterruptedException {
    log.atInfo().addKeyValue("donor", donor).addKeyValue("needed", needed).log("fetching snapshot");
    SnapshotFetch fetch =
        new SnapshotFetch(
            (method, request, timeout) -> raft.call(donor, method, request, timeout),
            directory,
            target -> PageCopy.copy(database, target));
    fetch
        .telling(done -> coming = ", fetching it from %s: %s".formatted(donor, done))
        .whileDonorWaits(ORDERED_WITHIN, position -> goOnBefore(donor, position));
    SqliteSnapshot snapshot;
    try {
      snapshot = fetch.fetch(needed, PATIENCE);
    } finally {
      replicator.donorWaits(-1);
      coming = "";
    }
    long start = System.nanoTime();
    coming = ", installing it";
    try {
      boolean used = replicator.install(snapshot).toCompletableFuture().get();
      log.atInfo()
          .addKeyValue("position", snapshot.state().position())
          .addKeyValue("used", used)
          .addKeyValue("millis", Duration.ofNanos(System.nanoTime() - start).toMillis())
          .log("snapshot installed");
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException("cannot install it: " + cause.getMessage(), cause);
    } finally {
      coming = "";
    }
    Files.deleteIfExists(snapshot.path());
  }

  /** The donor's writes may need this node's copies of the logs, to be ordered at all. */
  private void goOnBefore(NodeId donor, long position) {
    coming = ", which %s completes when its own writes are ordered".formatted(donor);
    replicator.donorWaits(position);
  }

  @Override
  public void close() {
    running = false;
    thread.interrupt();
  }
}
