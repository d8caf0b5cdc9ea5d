package dev.marmot.node.snapshot;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.Donation;
import dev.marmot.proto.v1.SnapshotBlockRequest;
import dev.marmot.proto.v1.SnapshotManifest;
import dev.marmot.proto.v1.SnapshotReply;
import dev.marmot.proto.v1.SnapshotRequest;
import dev.marmot.raft.PeerHandler;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes snapshots of this node for those that ask, one at a time, keeps the newest one while
 * somebody fetches it, and hands it out in blocks. Thread-safe; one thread answers, another one
 * makes.
 */
public final class SnapshotDonor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SnapshotDonor.class);
  private static final String OPEN = "snapshot";
  private static final String BLOCK = "snapshot-block";
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);
  private static final Duration KEEP = Duration.ofMinutes(10);

  private final int self;
  private final Supplier<Donation> donate;
  private final LongSupplier position;
  private final ScheduledExecutorService thread;

  /** Makes them: questions are answered meanwhile. */
  private final ScheduledExecutorService maker;

  private volatile boolean copying;

  /** The snapshot that is being made lacks writes of this node that are not ordered yet. */
  private volatile boolean waiting;

  /** Nobody has asked for a long time, or the node closes. */
  private volatile boolean unwanted;

  // Confined to the thread.
  private boolean making;
  private @Nullable RuntimeException failure;
  private @Nullable Ready ready;
  private long lastAskedNanos;

  /** A snapshot that can be fetched. */
  private record Ready(SqliteSnapshot snapshot, SnapshotManifest manifest, FileChannel file) {}

  /**
   * @param donate begins a snapshot of this node
   * @param position where this node stands
   */
  public SnapshotDonor(int self, Supplier<Donation> donate, LongSupplier position) {
    this.self = self;
    this.donate = donate;
    this.position = position;
    this.thread = thread("n" + self + "-snapshots");
    this.maker = thread("n" + self + "-snapshot-maker");
    var unused = thread.scheduleWithFixedDelay(this::forget, 1, 1, TimeUnit.MINUTES);
  }

  private static ScheduledExecutorService thread(String name) {
    return Executors.newSingleThreadScheduledExecutor(
        task -> {
          Thread worker = new Thread(task, name);
          worker.setDaemon(true);
          return worker;
        });
  }

  /** What this node answers. */
  public Map<String, PeerHandler> handlers() {
    return Map.of(OPEN, this::handleOpen, BLOCK, this::handleBlock);
  }

  private CompletionStage<ByteString> handleOpen(ByteString bytes) {
    return onThread(
        () -> {
          SnapshotReply.Builder reply = SnapshotReply.newBuilder();
          Ready now = offer(SnapshotRequest.parseFrom(bytes).getPosition());
          reply.setCopying(copying).setWaiting(making && waiting).setPosition(position.getAsLong());
          if (now != null) {
            reply.setManifest(now.manifest());
          }
          return reply.build().toByteString();
        });
  }

  private CompletionStage<ByteString> handleBlock(ByteString bytes) {
    return onThread(
        () -> {
          SnapshotBlockRequest request = SnapshotBlockRequest.parseFrom(bytes);
          Ready now = ready;
          lastAskedNanos = System.nanoTime();
          if (now == null || !now.manifest().getId().equals(request.getId())) {
            throw new IOException(
                "cannot send a block of snapshot %s: node %d does not keep it any more; ask anew"
                    .formatted(request.getId(), self));
          }
          long number = request.getNumber();
          return Blocks.pack(number, Blocks.read(now.file(), number)).toByteString();
        });
  }

  private CompletionStage<ByteString> onThread(Answer answer) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return answer.get();
          } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("cannot read the request: " + e.getMessage(), e);
          } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
          }
        },
        thread);
  }

  /** The snapshot, when there is one that is new enough; else one is made from now on. */
  private @Nullable Ready offer(long position) {
    lastAskedNanos = System.nanoTime();
    Ready now = ready;
    if (now != null && now.snapshot().state().position() >= position) {
      return now;
    }
    RuntimeException failed = failure;
    if (failed != null) {
      failure = null;
      throw failed;
    }
    if (!making) {
      drop();
      log.atInfo().addKeyValue("position", position).log("making a snapshot");
      making = true;
      copying = true;
      waiting = false;
      unwanted = false;
      maker.execute(this::begin);
    }
    return null;
  }

  /** Copies the file, which takes as long as that takes; on the maker's thread. */
  private void begin() {
    try {
      Donation current = donate.get();
      copying = false;
      make(current);
    } catch (RuntimeException e) {
      log.atWarn().setCause(e).log("making a snapshot failed");
      thread.execute(() -> made(null, e)); // whoever asks next is told
    }
  }

  private void make(Donation current) {
    try {
      if (!unwanted && !current.step()) {
        waiting = true;
        var unused =
            maker.schedule(() -> make(current), LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
        return;
      }
      Ready done = unwanted ? null : ready((SqliteSnapshot) current.seal());
      thread.execute(() -> made(done, null));
    } catch (IOException | RuntimeException e) {
      log.atWarn().setCause(e).log("making a snapshot failed"); // whoever needs it asks again
      thread.execute(() -> made(null, null));
    }
    current.close();
  }

  private void made(@Nullable Ready done, @Nullable RuntimeException why) {
    making = false;
    copying = false;
    failure = why;
    ready = done;
  }

  private Ready ready(SqliteSnapshot snapshot) throws IOException {
    FileChannel file = FileChannel.open(snapshot.path(), StandardOpenOption.READ);
    SnapshotManifest manifest =
        SnapshotManifest.newBuilder()
            .setFormat(1)
            .setId(UUID.randomUUID().toString())
            .setDonor(self)
            .setPositionTerm(snapshot.state().term())
            .setPositionIndex(snapshot.state().position())
            .setSize(file.size())
            .setBlockSize(Blocks.SIZE)
            .addAllBlockChecksums(Blocks.checksums(file))
            .build();
    log.atInfo()
        .addKeyValue("position", snapshot.state().position())
        .addKeyValue("bytes", file.size())
        .log("snapshot made");
    return new Ready(snapshot, manifest, file);
  }

  /** Nobody came for a while: the disk is worth more, and the raft logs may go on. */
  private void forget() {
    if (System.nanoTime() - lastAskedNanos > KEEP.toNanos()) {
      drop();
      unwanted = true;
    }
  }

  private void drop() {
    Ready old = ready;
    ready = null;
    if (old == null) {
      return;
    }
    try {
      old.file().close();
      Files.deleteIfExists(old.snapshot().path());
    } catch (IOException e) {
      log.atWarn().addKeyValue("file", old.snapshot().path()).setCause(e).log("not deleted");
    }
  }

  @Override
  public void close() {
    unwanted = true;
    maker.shutdown();
    try {
      boolean stopped = maker.awaitTermination(1, TimeUnit.MINUTES);
      thread.execute(this::drop);
      thread.shutdown();
      if (!stopped || !thread.awaitTermination(1, TimeUnit.MINUTES)) {
        log.atWarn().log("a snapshot is still being made while the node closes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @FunctionalInterface
  private interface Answer {
    ByteString get() throws IOException;
  }
}
