package dev.marmot.raft.ratis;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether the disk of the raft logs has room. It counts as full while something is left, so that
 * logs are rarely closed in the middle of a write, and as having room again only when there is
 * clearly more and a write succeeds: a quota is not seen in the free bytes. {@link #full} and
 * {@link #shortage} are for any thread, the rest is confined to the worker thread.
 */
final class DiskRoom {
  private static final long MOST_RESERVE = 16L << 20;
  private static final int RESERVE_DIVISOR = 20;
  private static final int PROBE_BYTES = 1 << 20;

  private final Path directory;
  private volatile @Nullable String shortage;

  DiskRoom(Path directory) {
    this.directory = directory;
  }

  /** Why nothing may be written now; empty when there is room. */
  Optional<String> shortage() {
    return Optional.ofNullable(shortage);
  }

  /** A write failed, however much the disk says is free. */
  void full(String why) {
    shortage = "the disk of the raft logs is full: %s; %s".formatted(why, remedy());
  }

  /** Looks at the disk again. */
  void look() throws IOException {
    FileStore disk = Files.getFileStore(directory);
    long reserve = reserve(disk.getTotalSpace());
    long free = disk.getUsableSpace();
    if (shortage == null && free < reserve) {
      shortage =
          "the disk of the raft logs is full: %d KiB are free, %d KiB are kept as a reserve; %s"
              .formatted(free >> 10, reserve >> 10, remedy());
    } else if (shortage != null && free >= 2 * reserve && probe()) {
      shortage = null;
    }
  }

  private String remedy() {
    return "make room in " + directory + ", replication then goes on by itself";
  }

  /** What is kept of a disk of this size. Pure function. */
  static long reserve(long total) {
    return Math.min(MOST_RESERVE, total / RESERVE_DIVISOR);
  }

  /** Whether a failure says that there was no room. Pure function. */
  static boolean isFull(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (cause instanceof IOException
          && (message.contains("No space left on device") || message.contains("quota exceeded"))) {
        return true;
      }
    }
    return false;
  }

  private boolean probe() throws IOException {
    Path file = directory.resolve("room.tmp");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.allocate(PROBE_BYTES);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(false);
      return true;
    } catch (IOException e) {
      if (isFull(e)) {
        return false;
      }
      throw e;
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
