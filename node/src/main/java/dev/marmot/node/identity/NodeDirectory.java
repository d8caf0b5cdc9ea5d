package dev.marmot.node.identity;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.EpochCounter;
import dev.marmot.node.replication.EpochHistory;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.file.DurableFile;
import dev.marmot.sqlite.FileFaults;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * This node's own directory under raft-path: its identity, its epoch counter, its raft logs. Locked
 * against a second process while open. Thread-safe.
 */
public final class NodeDirectory implements AutoCloseable {
  private final Path path;
  private final FileChannel lockFile;

  private NodeDirectory(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  /**
   * Creates the directory when it is missing and locks it.
   *
   * @throws IOException when it cannot be used, or another process uses it; the message says so
   */
  public static NodeDirectory open(Path path) throws IOException {
    FileChannel channel = lockFile(path);
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new IOException(
          "cannot use directory %s: another process uses it; stop that node first".formatted(path));
    }
    return new NodeDirectory(path, channel);
  }

  private static FileChannel lockFile(Path path) throws IOException {
    try {
      Files.createDirectories(path);
      return FileChannel.open(
          path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new IOException(
          "cannot use directory %s (from raft-path): %s".formatted(path, FileFaults.advice(e)), e);
    }
  }

  /** What the directory says about its node; empty when it is new. */
  public Optional<NodeIdentity> identity() throws IOException {
    Path file = path.resolve("identity");
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(NodeIdentity.parseFrom(Files.readAllBytes(file)));
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(
          "cannot read %s: it is damaged (%s); restore it from a backup"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /** Writes the identity durably. */
  public void identity(NodeIdentity identity) throws IOException {
    DurableFile.write(path.resolve("identity"), identity.toByteArray());
  }

  /** The epoch counter in this directory. */
  public EpochCounter epochCounter() throws IOException {
    return FileEpochCounter.open(path.resolve("epoch"));
  }

  /** A new directory of a node that had another one before. */
  public void epochsAfter(long newest) throws IOException {
    FileEpochCounter.open(path.resolve("epoch")).keep(EpochHistory.after(newest));
  }

  /** The starts that it knows. */
  public Starts starts() throws IOException {
    Path file = path.resolve("generation");
    try {
      return Files.exists(file) ? Starts.parse(Files.readString(file)) : Starts.NONE;
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "cannot read %s: it is damaged (%s); restore it from a backup"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /**
   * Gives the file and this directory the number of a start.
   *
   * @param file writes it there, durably
   */
  public StartNumber begin(Optional<StartNumber> found, Consumer<StartNumber> file)
      throws IOException {
    Starts next = starts().intending(found, new SecureRandom());
    starts(next);
    StartNumber start = next.intended().orElseThrow();
    file.accept(start);
    starts(next.begun());
    return start;
  }

  private void starts(Starts starts) throws IOException {
    DurableFile.write(
        path.resolve("generation"), starts.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The cluster that a recovery by force is making of this directory; empty when none is. */
  public Optional<String> recovering() throws IOException {
    Path file = path.resolve("recovering");
    return Files.exists(file)
        ? Optional.of(Files.readString(file)).filter(cluster -> !cluster.isEmpty())
        : Optional.empty();
  }

  /** Writes durably that such a recovery goes on, or that it is done. */
  public void recovering(Optional<String> cluster) throws IOException {
    DurableFile.write(
        path.resolve("recovering"), cluster.orElse("").getBytes(StandardCharsets.UTF_8));
  }

  /** The member through which this node was told to join a cluster; empty when it was not. */
  public Optional<String> told() throws IOException {
    Path file = path.resolve("told");
    return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
  }

  /** Writes that durably. */
  public void told(String member) throws IOException {
    DurableFile.write(path.resolve("told"), member.getBytes(StandardCharsets.UTF_8));
  }

  /** Where snapshots are made, and kept while they come. */
  public Path snapshots() {
    return path.resolve("snapshots");
  }

  /** Where the raft logs live. */
  public Path raftLogs() {
    return path.resolve("raft");
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unlock directory " + path + ": " + e.getMessage(), e);
    }
  }
}
