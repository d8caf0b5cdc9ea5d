package dev.marmot.node.snapshot;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.SnapshotBlock;
import dev.marmot.proto.v1.SnapshotBlockRequest;
import dev.marmot.proto.v1.SnapshotManifest;
import dev.marmot.proto.v1.SnapshotReply;
import dev.marmot.proto.v1.SnapshotRequest;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a snapshot from another node into a file of this one, block by block. What an earlier
 * attempt brought stays on disk, and blocks that are there already are not sent again, whoever the
 * donor is; nor are those that a copy of this node's own file has in the same place. Confined to
 * one thread, which waits for the other node.
 */
public final class SnapshotFetch {
  private static final Logger log = LoggerFactory.getLogger(SnapshotFetch.class);
  private static final Duration CALL = Duration.ofSeconds(30);
  private static final long ASK_AGAIN_MILLIS = 50;

  /** Blocks under way, so that the donor packs one while another travels. */
  private static final int AT_ONCE = 4;

  private final Caller caller;
  private final Path directory;
  private final Start start;
  private Consumer<String> progress = done -> {};
  private Duration usually = Duration.ZERO;
  private LongConsumer donorWaits = position -> {};

  /** How to call the donor. */
  @FunctionalInterface
  public interface Caller {
    /** Calls a method of the donor over the raft port. */
    CompletionStage<ByteString> call(String method, ByteString request, Duration timeout);
  }

  /** What to begin with, so that only the blocks that differ are sent. */
  @FunctionalInterface
  public interface Start {
    /** Begins with nothing. */
    Start EMPTY = target -> {};

    /** Makes a file of blocks that may be right, or none. */
    void copyTo(Path target) throws IOException;
  }

  /**
   * @param directory where the file is kept while it comes
   * @param start what to begin with when no earlier attempt left anything
   */
  public SnapshotFetch(Caller caller, Path directory, Start start) {
    this.caller = caller;
    this.directory = directory;
    this.start = start;
  }

  /** Tells how far it is, as in {@code 12 of 80 MiB}. */
  public SnapshotFetch telling(Consumer<String> listener) {
    progress = listener;
    return this;
  }

  /**
   * Tells again and again where the donor stands, while it waits for longer than usually until
   * writes of its own are ordered.
   */
  public SnapshotFetch whileDonorWaits(Duration longerThan, LongConsumer listener) {
    usually = longerThan;
    donorWaits = listener;
    return this;
  }

  /**
   * Fetches a snapshot at this position or later; waits while the donor makes it.
   *
   * @param limit how long the donor may take to complete it, once it has copied its file
   * @throws IOException when it cannot be had from this donor; what came is kept
   */
  public SqliteSnapshot fetch(long position, Duration limit)
      throws IOException, InterruptedException {
    SnapshotManifest manifest = manifest(position, limit);
    if (manifest.getFormat() != 1 || manifest.getBlockSize() != Blocks.SIZE) {
      throw new IOException(
          "cannot fetch a snapshot: node %d sends format %d, this version knows 1; update it"
              .formatted(manifest.getDonor(), manifest.getFormat()));
    }
    Files.createDirectories(directory);
    Path coming = directory.resolve("incoming.db");
    if (!Files.exists(coming)) {
      start.copyTo(coming);
    }
    long sent;
    try (FileChannel file =
        FileChannel.open(
            coming, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      sent = complete(file, manifest);
      var unused = file.truncate(manifest.getSize());
      file.force(true);
    }
    log.atInfo()
        .addKeyValue("donor", manifest.getDonor())
        .addKeyValue("position", manifest.getPositionIndex())
        .addKeyValue("blocks", manifest.getBlockChecksumsCount())
        .addKeyValue("sent", sent)
        .log("snapshot fetched");
    return SqliteSnapshot.openUnchanged(coming);
  }

  /** Asks for what is not there; returns how many blocks came. */
  private long complete(FileChannel file, SnapshotManifest manifest)
      throws IOException, InterruptedException {
    Deque<Asked> asked = new ArrayDeque<>();
    long sent = 0;
    for (int number = 0; number < manifest.getBlockChecksumsCount(); number++) {
      progress.accept(
          "%d of %d MiB".formatted(((long) number * Blocks.SIZE) >> 20, manifest.getSize() >> 20));
      if (!isThere(file, number, manifest)) {
        asked.add(ask(manifest, number));
        sent++;
      }
      if (asked.size() == AT_ONCE) {
        write(file, manifest, asked.remove());
      }
    }
    while (!asked.isEmpty()) {
      write(file, manifest, asked.remove());
    }
    return sent;
  }

  private static boolean isThere(FileChannel file, int number, SnapshotManifest manifest)
      throws IOException {
    long length = Math.min(Blocks.SIZE, manifest.getSize() - (long) number * Blocks.SIZE);
    byte[] block = Blocks.read(file, number);
    return block.length == length && Blocks.checksum(block) == manifest.getBlockChecksums(number);
  }

  private SnapshotManifest manifest(long position, Duration limit)
      throws IOException, InterruptedException {
    ByteString request = SnapshotRequest.newBuilder().setPosition(position).build().toByteString();
    long end = System.nanoTime() + limit.toNanos();
    OptionalLong waitsSince = OptionalLong.empty();
    while (true) {
      SnapshotReply reply = SnapshotReply.parseFrom(await(caller.call("snapshot", request, CALL)));
      if (reply.hasManifest()) {
        return reply.getManifest();
      }
      waitsSince = tellOfWaiting(reply, waitsSince);
      if (reply.getCopying()) {
        end = System.nanoTime() + limit.toNanos(); // a large file takes its time
      } else if (System.nanoTime() > end) {
        throw new IOException("the donor did not complete the snapshot within " + limit);
      }
      Thread.sleep(ASK_AGAIN_MILLIS); // the donor is making it, and does not call back
    }
  }

  /** Since when the donor waits, on the clock of {@link System#nanoTime}. */
  private OptionalLong tellOfWaiting(SnapshotReply reply, OptionalLong since) {
    if (!reply.getWaiting()) {
      return OptionalLong.empty();
    }
    long now = System.nanoTime();
    if (since.isPresent() && now - since.getAsLong() >= usually.toNanos()) {
      donorWaits.accept(reply.getPosition());
    }
    return since.isPresent() ? since : OptionalLong.of(now);
  }

  private Asked ask(SnapshotManifest manifest, int number) {
    ByteString request =
        SnapshotBlockRequest.newBuilder()
            .setId(manifest.getId())
            .setNumber(number)
            .build()
            .toByteString();
    return new Asked(number, caller.call("snapshot-block", request, CALL));
  }

  private static void write(FileChannel file, SnapshotManifest manifest, Asked asked)
      throws IOException, InterruptedException {
    int number = asked.number();
    ByteString reply = await(asked.reply());
    try {
      SnapshotBlock block = SnapshotBlock.parseFrom(reply);
      Blocks.write(file, number, Blocks.unpack(block, number, manifest.getBlockChecksums(number)));
    } catch (InvalidProtocolBufferException e) {
      throw new IOException("block " + number + " of the snapshot cannot be read", e);
    }
  }

  private static ByteString await(CompletionStage<ByteString> reply)
      throws IOException, InterruptedException {
    try {
      return reply.toCompletableFuture().get(CALL.toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException(String.valueOf(cause.getMessage()), cause);
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + CALL, e);
    }
  }

  /** A block on its way. */
  private record Asked(int number, CompletionStage<ByteString> reply) {}
}
