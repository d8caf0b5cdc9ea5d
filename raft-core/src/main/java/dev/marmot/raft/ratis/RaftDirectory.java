package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;

/**
 * The directory of the raft logs: one owner at a time, and complete for Ratis. Confined to the
 * thread that opens and closes the node.
 */
final class RaftDirectory implements AutoCloseable {
  private static final Pattern GROUP_NAME =
      Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final Path directory;
  private final FileChannel lock;

  private RaftDirectory(Path directory, FileChannel lock) {
    this.directory = directory;
    this.lock = lock;
  }

  static RaftDirectory open(Path directory, LogGroups groups) throws IOException {
    FileChannel lock;
    try {
      Files.createDirectories(directory);
      lock =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new IOException("cannot use raft directory " + directory + ": " + e, e);
    }
    try {
      if (!tryLock(lock)) {
        throw new IOException(
            "cannot use raft directory "
                + directory
                + ": another running node uses it; stop that node or choose another directory");
      }
      RaftDirectory opened = new RaftDirectory(directory, lock);
      opened.check(groups);
      return opened;
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      // Held until the channel is closed.
      FileLock held = channel.tryLock();
      return held != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private void check(LogGroups groups) throws IOException {
    for (RaftGroupId group : present()) {
      if (groups.log(group).isEmpty()) {
        throw new IOException(
            "cannot use raft directory "
                + directory
                + ": it holds raft log "
                + group.getUuid()
                + ", which belongs to another cluster or to a higher number of shards");
      }
    }
    for (LogId log : groups.logs()) {
      completeGroup(groups, log);
    }
  }

  /** Logs that exist on disk. Other files, like the lock, are not named by a UUID. */
  Set<RaftGroupId> present() throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children
          .map(child -> String.valueOf(child.getFileName()))
          .filter(name -> GROUP_NAME.matcher(name).matches())
          .map(name -> RaftGroupId.valueOf(UUID.fromString(name)))
          .collect(Collectors.toSet());
    }
  }

  /**
   * Repairs what a crash in the first moments of a log leaves behind.
   *
   * <p>Ratis writes a log's members to disk only when their first entry is committed. Until then a
   * restarted log would have no members, and would wait for ever to be invited. What it may have
   * voted for must survive, though.
   */
  private void completeGroup(LogGroups groups, LogId log) throws IOException {
    Path group = directory.resolve(groups.groupId(log).getUuid().toString());
    Path current = group.resolve("current");
    Path members = current.resolve("raft-meta.conf");
    if (Files.exists(members) || !Files.exists(group)) {
      return;
    }
    if (!Files.exists(current.resolve("raft-meta"))) {
      // Never voted, holds nothing: Ratis makes it anew.
      for (Path path :
          List.of(
              current.resolve("raft-meta.tmp"),
              current,
              group.resolve("sm"),
              group.resolve("tmp"),
              group.resolve("in_use.lock"),
              group)) {
        Files.deleteIfExists(path);
      }
      return;
    }
    RaftConfigurationProto.Builder configuration = RaftConfigurationProto.newBuilder();
    for (RaftPeer peer : groups.peers()) {
      configuration.addPeers(peer.getRaftPeerProto());
    }
    LogEntryProto entry =
        LogEntryProto.newBuilder()
            .setTerm(0)
            // Where the first leader writes the same members again.
            .setIndex(0)
            .setConfigurationEntry(configuration)
            .build();
    Path temporary = current.resolve("raft-meta.conf.marmot");
    Files.write(temporary, entry.toByteArray());
    Files.move(temporary, members, StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
