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
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a snapshot from another node into a file of this one, block by block. What an earlier
 * attempt brought stays on disk, and blocks that are there already are not sent again, whoever the
 * donor is. Confined to one thread, which waits for the other node.
 */
public final class SnapshotFetch {
  private static final Logger log = LoggerFactory.getLogger(SnapshotFetch.class);
  private static final Duration CALL = Duration.ofSeconds(30);
  private static final long ASK_AGAIN_MILLIS = 50;

  private final Caller caller;
  private final Path directory;

  /** How to call the donor. */
  @FunctionalInterface
  public interface Caller {
    /** Calls a method of the donor over the raft port. */
    CompletionStage<ByteString> call(String method, ByteString request, Duration timeout);
  }

  /**
   * @param directory where the file is kept while it comes
   */
  public SnapshotFetch(Caller caller, Path directory) {
    this.caller = caller;
    this.directory = directory;
  }

  /**
   * Fetches a snapshot at this position or later; waits while the donor makes it.
   *
   * @param limit how long the donor may take to make it
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
    long sent = 0;
    try (FileChannel file =
        FileChannel.open(
            coming, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      Map<Long, byte[]> moved = arrange(file, manifest);
      for (int number = 0; number < manifest.getBlockChecksumsCount(); number++) {
        if (!isThere(file, number, manifest)) {
          byte[] known = moved.get(manifest.getBlockChecksums(number));
          Blocks.write(file, number, known == null ? ask(manifest, number) : known);
          sent += known == null ? 1 : 0;
        }
      }
      var unused = file.truncate(manifest.getSize());
      file.force(true);
    }
    log.atInfo()
        .addKeyValue("donor", manifest.getDonor())
        .addKeyValue("position", manifest.getPositionIndex())
        .addKeyValue("blocks", manifest.getBlockChecksumsCount())
        .addKeyValue("sent", sent)
        .log("snapshot fetched");
    return SqliteSnapshot.open(coming);
  }

  /** What an interrupted attempt brought, where this snapshot has it in another place. */
  private static Map<Long, byte[]> arrange(FileChannel file, SnapshotManifest manifest)
      throws IOException {
    Map<Long, byte[]> moved = new HashMap<>();
    Map<Long, Integer> places = new HashMap<>();
    for (int number = 0; number < manifest.getBlockChecksumsCount(); number++) {
      places.put(manifest.getBlockChecksums(number), number);
    }
    for (long number = 0; number < Blocks.count(file.size()); number++) {
      byte[] block = Blocks.read(file, number);
      long checksum = Blocks.checksum(block);
      Integer place = places.get(checksum);
      if (place != null && place != number && moved.size() < 16) { // few, since they are in memory
        moved.put(checksum, block);
      }
    }
    return moved;
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
    while (true) {
      SnapshotReply reply = SnapshotReply.parseFrom(call("snapshot", request));
      if (reply.hasManifest()) {
        return reply.getManifest();
      }
      if (System.nanoTime() > end) {
        throw new IOException("the donor did not complete the snapshot within " + limit);
      }
      Thread.sleep(ASK_AGAIN_MILLIS); // the donor is making it, and does not call back
    }
  }

  private byte[] ask(SnapshotManifest manifest, int number)
      throws IOException, InterruptedException {
    ByteString request =
        SnapshotBlockRequest.newBuilder()
            .setId(manifest.getId())
            .setNumber(number)
            .build()
            .toByteString();
    ByteString reply = call("snapshot-block", request);
    try {
      return Blocks.unpack(
          SnapshotBlock.parseFrom(reply), number, manifest.getBlockChecksums(number));
    } catch (InvalidProtocolBufferException e) {
      throw new IOException("block " + number + " of the snapshot cannot be read", e);
    }
  }

  private ByteString call(String method, ByteString request)
      throws IOException, InterruptedException {
    try {
      return caller
          .call(method, request, CALL)
          .toCompletableFuture()
          .get(CALL.toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException(String.valueOf(cause.getMessage()), cause);
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + CALL, e);
    }
  }
}
