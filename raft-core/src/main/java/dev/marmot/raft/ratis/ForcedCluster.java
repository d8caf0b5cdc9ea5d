package dev.marmot.raft.ratis;

import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.Retention;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.util.SizeInBytes;
import org.jspecify.annotations.Nullable;

/**
 * Makes a cluster of one node out of a node of a cluster whose majority is lost. Stateless.
 *
 * <p>What the others had committed and this node never heard of is lost. The former members must
 * never run again with their old directories: they know nothing of the new cluster.
 */
public final class ForcedCluster {
  private ForcedCluster() {}

  /**
   * What a log of the survivor held. Immutable.
   *
   * @param formerMembers all of them, the survivor included
   * @param term of the last entry
   * @param last index of the last entry, committed or not: from now on it is; -1 when there is none
   */
  public record Survived(LogId log, Set<NodeId> formerMembers, Floor floor, long term, long last) {
    public Survived {
      formerMembers = Set.copyOf(formerMembers);
    }
  }

  /**
   * Rewrites the members of all logs in a raft directory that no process uses.
   *
   * @param self the survivor, with the address for its new members
   * @throws IOException when the directory is used, damaged or not of this cluster; asking again is
   *     harmless
   */
  public static List<Survived> found(Path directory, String cluster, Member self)
      throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException("cannot recover from " + directory + ": there is no raft directory");
    }
    try (RaftDirectory raft = RaftDirectory.open(directory, new LogGroups(cluster))) {
      List<Survived> survived = new ArrayList<>();
      if (raft.logs().isEmpty()) {
        throw new IOException("cannot recover from " + directory + ": it holds no raft logs");
      }
      StateFile state = raft.state(self.id());
      RaftPeer peer =
          RaftPeer.newBuilder().setId(state.state().getPeer()).setAddress(self.address()).build();
      for (LogId log : raft.logs()) {
        survived.add(take(log, raft.group(log), peer));
      }
      state.change(builder -> builder.setMember(true).setRemoved(false));
      return survived;
    }
  }

  private static Survived take(LogId log, Path group, RaftPeer self) throws IOException {
    Set<NodeId> former = new TreeSet<>();
    Optional<MembersFile> members = MembersFile.read(group);
    members.ifPresent(
        file -> file.peers().forEach(it -> LogGroups.node(it.getId()).ifPresent(former::add)));
    CopyFloor floor = new CopyFloor(Retention.DEFAULT);
    floor.open(group);
    CopyStart start = floor.current();
    TermIndex last = start == null ? TermIndex.valueOf(0, -1) : start.below();
    TermIndex end = lastEntry(group);
    if (end != null && end.getIndex() > last.getIndex()) {
      last = end;
    }
    // Exactly where the survivor, elected by itself, writes its members again.
    MembersFile.write(group, List.of(self), TermIndex.valueOf(last.getTerm(), last.getIndex() + 1));
    return new Survived(log, former, floor.floor(), last.getTerm(), last.getIndex());
  }

  private static @Nullable TermIndex lastEntry(Path group) throws IOException {
    LogSegmentPath newest = null;
    try (Stream<Path> files = Files.list(group.resolve("current"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        LogSegmentPath segment = LogSegmentPath.matchLogSegment(file);
        if (segment != null
            && (newest == null || segment.getStartEnd().compareTo(newest.getStartEnd()) > 0)) {
          newest = segment;
        }
      }
    }
    if (newest == null) {
      return null;
    }
    AtomicReference<TermIndex> last = new AtomicReference<>();
    LogSegment.readSegmentFile(
        newest.getPath().toFile(),
        newest.getStartEnd(),
        SizeInBytes.valueOf(RatisOptions.MAX_MESSAGE_BYTES),
        CorruptionPolicy.WARN_AND_RETURN,
        null,
        entry -> last.set(TermIndex.valueOf(entry)));
    return last.get();
  }
}
