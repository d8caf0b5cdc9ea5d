package dev.marmot.node.backup;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.replication.Donation;
import dev.marmot.node.replication.NotStartedException;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.sqlite.snapshot.SnapshotFile;
import dev.marmot.sqlite.snapshot.SnapshotFileException;
import dev.marmot.sqlite.snapshot.SnapshotInfo;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves snapshots of this node in files, one at a time, on a thread of its own. Thread-safe.
 *
 * <p>Whoever may ask the pane chooses the path. So no file is replaced but one that is itself a
 * saved snapshot.
 */
public final class SnapshotSaver implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SnapshotSaver.class);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final Supplier<Donation> donate;
  private final String version;
  private final Clock clock;
  private final ExecutorService thread;
  private final AtomicBoolean busy = new AtomicBoolean();

  /**
   * @param name of the node, for its threads
   * @param version of Marmot, which the file keeps
   * @param donate begins a snapshot of this node
   */
  public SnapshotSaver(String name, String version, Supplier<Donation> donate, Clock clock) {
    this.version = version;
    this.donate = donate;
    this.clock = clock;
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread worker = new Thread(task, name + "-backup");
              worker.setDaemon(true);
              return worker;
            });
  }

  /** Saves one; completes when it is durable. */
  public CompletionStage<SaveSnapshotReply> save(SaveSnapshotRequest request) {
    if (!busy.compareAndSet(false, true)) {
      return CompletableFuture.failedFuture(
          new ControlException(
              Kind.BUSY, "cannot save a snapshot: one is being saved; try again later"));
    }
    try {
      return CompletableFuture.supplyAsync(() -> run(request), thread)
          .whenComplete((reply, failure) -> busy.set(false));
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(
          new ControlException(
              Kind.UNAVAILABLE, "cannot save a snapshot: this node is stopping", e));
    }
  }

  private SaveSnapshotReply run(SaveSnapshotRequest request) {
    long start = System.nanoTime();
    Path target = target(request);
    SqliteSnapshot snapshot = snapshot();
    try {
      SnapshotInfo info =
          SnapshotFile.save(snapshot, target, version, clock.instant(), request.getReplace());
      long bytes = Files.size(target);
      log.atInfo()
          .addKeyValue("file", target)
          .addKeyValue("position", info.position())
          .addKeyValue("bytes", bytes)
          .log("snapshot saved");
      return SaveSnapshotReply.newBuilder()
          .setFile(target.toString())
          .setPositionTerm(info.term())
          .setPositionIndex(info.position())
          .setBytes(bytes)
          .setTables(info.tables().size())
          .setHeldRows(info.heldRows())
          .setTookMillis(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))
          .build();
    } catch (SnapshotFileException e) {
      throw new ControlException(Kind.FAILED, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(snapshot.path());
    }
  }

  /** Refuses early what saving would refuse after the work, and what is no snapshot. */
  private static Path target(SaveSnapshotRequest request) {
    Path target = Path.of(request.getFile());
    String what = "cannot save the snapshot " + target + ": ";
    Path directory = target.getParent();
    if (!target.isAbsolute() || directory == null || !Files.isDirectory(directory)) {
      throw new ControlException(
          Kind.INVALID,
          what
              + "it must be an absolute path in a directory that is there, on this node's machine");
    }
    if (Files.exists(target) && !request.getReplace()) {
      throw new ControlException(
          Kind.INVALID, what + "there is a file; give another path, or --replace");
    }
    if (Files.exists(target) && !SnapshotFile.isSnapshot(target)) {
      throw new ControlException(
          Kind.INVALID,
          what + "there is a file that is no saved snapshot, and only those are replaced");
    }
    return target.normalize();
  }

  private SqliteSnapshot snapshot() {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try (Donation donation = donate.get()) {
      while (!donation.step()) {
        if (System.nanoTime() > deadline) {
          throw new ControlException(
              Kind.TIMEOUT,
              "cannot save a snapshot: this node's own writes were not ordered within "
                  + PATIENCE.toMinutes()
                  + " minutes; see `marmot status`, try again");
        }
        TimeUnit.NANOSECONDS.sleep(LOOK_AGAIN.toNanos());
      }
      return (SqliteSnapshot) donation.seal();
    } catch (NotStartedException e) {
      throw new ControlException(Kind.UNAVAILABLE, String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ControlException(
          Kind.UNAVAILABLE, "cannot save a snapshot: this node is stopping", e);
    }
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      log.atWarn().addKeyValue("file", path).setCause(e).log("not deleted");
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
    try {
      if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
        log.atWarn().log("a snapshot is still being saved while the node closes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
