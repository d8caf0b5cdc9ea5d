package dev.marmot.raft.ratis;

import dev.marmot.proto.v1.RaftState;
import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;

/**
 * The directory of the raft logs: one owner at a time, and complete for Ratis. Confined to the
 * thread that opens and closes the node; while it runs, to its worker thread.
 */
final class RaftDirectory implements AutoCloseable {
  private static final Pattern GROUP_NAME =
      Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  /**
   * Below the first entry: with that one Ratis would forget them when it truncates it. One less
   * than Ratis' own word for "no index", which it refuses.
   */
  private static final TermIndex BEFORE_THE_FIRST =
      TermIndex.valueOf(0, RaftLog.INVALID_LOG_INDEX - 1);

  private final Path directory;
  private final FileChannel lock;
  private final LogGroups groups;
  private volatile List<RaftPeer> founders = List.of();

  private RaftDirectory(Path directory, FileChannel lock, LogGroups groups) {
    this.directory = directory;
    this.lock = lock;
    this.groups = groups;
  }

  static RaftDirectory open(Path directory, LogGroups groups) throws IOException {
    return open(directory, groups, Optional.empty());
  }

  /**
   * The same.
   *
   * @param renamed names to which {@link #rename} may have changed some; that is undone
   */
  static RaftDirectory open(Path directory, LogGroups groups, Optional<LogGroups> renamed)
      throws IOException {
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
      RaftDirectory opened = new RaftDirectory(directory, lock, groups);
      if (renamed.isPresent()) {
        opened.rename(renamed.get(), groups);
      }
      opened.check();
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

  private void check() throws IOException {
    for (RaftGroupId group : groupsOnDisk()) {
      if (groups.log(group).isEmpty()) {
        throw new IOException(
            "cannot use raft directory "
                + directory
                + ": it holds raft log "
                + group.getUuid()
                + ", which belongs to another cluster");
      }
    }
  }

  /** Gives all logs the names that they have in another cluster; on disk when this returns. */
  void rename(LogGroups to) throws IOException {
    rename(groups, to);
  }

  private void rename(LogGroups from, LogGroups to) throws IOException {
    for (RaftGroupId group : groupsOnDisk()) {
      Optional<LogId> log = from.log(group);
      if (log.isPresent()) {
        Files.move(
            directory.resolve(group.getUuid().toString()),
            directory.resolve(to.groupId(log.get()).getUuid().toString()),
            StandardCopyOption.ATOMIC_MOVE);
      }
    }
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** The state on disk; of a new directory as the options say. */
  StateFile state(RaftOptions options) throws IOException {
    boolean joins = options.join() && groupsOnDisk().isEmpty();
    RaftPeerId self =
        joins ? LogGroups.newcomer(options.self()) : LogGroups.founder(options.self());
    return state(self, !joins, options.shards());
  }

  /** The state of a directory that is in use. */
  StateFile state(NodeId self) throws IOException {
    return state(LogGroups.founder(self), true, logs().size() - 1);
  }

  private StateFile state(RaftPeerId self, boolean member, int shards) throws IOException {
    return StateFile.open(
        directory,
        RaftState.newBuilder()
            .setFormat(1)
            .setPeer(self.toString())
            .setMember(member)
            .setShards(shards)
            .build());
  }

  /**
   * Repairs what a crash leaves behind: in the last write to a log, and in the first moments of
   * one.
   *
   * @param founders members of logs that do not say who theirs are; none when this node waits to be
   *     added
   */
  void mend(List<RaftPeer> founders) throws IOException {
    this.founders = List.copyOf(founders);
    for (LogId log : logs()) {
      mend(log);
    }
  }

  /** The same for one log that nobody has open. */
  void mend(LogId log) throws IOException {
    TornTail.cut(group(log));
    if (!founders.isEmpty()) {
      completeGroup(group(log), members());
    }
  }

  private List<RaftPeer> members() throws IOException {
    return MembersFile.read(group(LogId.ORDER)).map(MembersFile::peers).orElse(founders);
  }

  /**
   * Takes away all entries of a log that nobody has open, and keeps what it voted for: so it cannot
   * vote twice.
   */
  void clear(LogId log) throws IOException {
    Path group = group(log);
    List<RaftPeer> members = MembersFile.read(group).map(MembersFile::peers).orElse(members());
    new OfflineLog(group).cutBehind(-1);
    MembersFile.write(group, members, BEFORE_THE_FIRST);
  }

  /**
   * Ratis never changes the address of a name, so a node keeps its own, unless it is alone: then it
   * is written anew. (The addresses of several founders are in the options of all of them.)
   */
  void checkAddress(RaftPeerId self, RaftOptions options) throws IOException {
    Optional<String> known =
        MembersFile.read(group(LogId.ORDER)).stream()
            .flatMap(file -> file.peers().stream())
            .filter(peer -> peer.getId().equals(self))
            .map(RaftPeer::getAddress)
            .findFirst();
    boolean amongFounders =
        self.equals(LogGroups.founder(options.self())) && options.members().size() > 1;
    for (Member today : options.members()) {
      if (!today.id().equals(options.self())
          || amongFounders
          || known.filter(address -> !today.address().equals(address)).isEmpty()) {
        continue;
      }
      if (!OnlyMember.is(this, self)) {
        throw new IOException(
            "cannot start %s at %s: the other nodes know it at %s; start it there, or move %s aside (not the SQLite file) and start it with --join to make it a member at the new address"
                .formatted(today.id(), today.address(), known.get(), directory));
      }
      OnlyMember.write(this, RaftPeer.newBuilder().setId(self).setAddress(today.address()).build());
    }
  }

  /** Logs that exist on disk, in order. */
  NavigableSet<LogId> logs() throws IOException {
    NavigableSet<LogId> logs = new TreeSet<>();
    groupsOnDisk().forEach(group -> groups.log(group).ifPresent(logs::add));
    return logs;
  }

  Path group(LogId log) {
    return directory.resolve(groups.groupId(log).getUuid().toString());
  }

  /** Other files, like the lock, are not named by a UUID. */
  private Set<RaftGroupId> groupsOnDisk() throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children
          .map(child -> String.valueOf(child.getFileName()))
          .filter(name -> GROUP_NAME.matcher(name).matches())
          .map(name -> RaftGroupId.valueOf(UUID.fromString(name)))
          .collect(Collectors.toSet());
    }
  }

  /**
   * Ratis writes a log's members to disk only when their first entry is committed. Until then a
   * restarted log would have no members, and would wait for ever to be invited. What it may have
   * voted for must survive, though.
   */
  private static void completeGroup(Path group, List<RaftPeer> members) throws IOException {
    Path current = group.resolve("current");
    if (Files.exists(MembersFile.file(group))) {
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
    MembersFile.write(group, members, BEFORE_THE_FIRST);
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
