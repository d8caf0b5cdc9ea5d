package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
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
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;

/**
 * Makes a cluster of one node out of a node of a cluster whose majority is lost. Works on a raft
 * directory that no node uses, and keeps it locked while open. Confined to one thread.
 *
 * <p>What the others had committed and this node never heard of is lost. The logs get the names of
 * another cluster, so that a former member that comes back cannot take part in them.
 */
public final class ForcedCluster implements AutoCloseable {
  private final Path path;
  private final RaftDirectory directory;

  private ForcedCluster(Path path, RaftDirectory directory) {
    this.path = path;
    this.directory = directory;
  }

  /**
   * What a log of the survivor holds. Immutable.
   *
   * @param formerMembers all of them, the survivor included
   * @param term of the last entry
   * @param last index of the last entry, committed or not; -1 when there is none
   * @param committed index up to which the log itself says that entries are committed; some more
   *     may be
   */
  public record Survived(
      LogId log, Set<NodeId> formerMembers, Floor floor, long term, long last, long committed) {
    public Survived {
      formerMembers = Set.copyOf(formerMembers);
    }
  }

  /** Receives what was proposed to a log, in index order. */
  public interface Reader {
    void entry(LogId log, long term, long index, ByteString bytes);
  }

  /**
   * Opens a raft directory.
   *
   * @param cluster to which its logs belong
   * @param begun cluster for which {@link #found} was called before and may have broken off
   * @throws IOException when the directory is used, damaged or not of this cluster
   */
  public static ForcedCluster open(Path path, String cluster, Optional<String> begun)
      throws IOException {
    if (!Files.isDirectory(path)) {
      throw new IOException("cannot recover from " + path + ": there is no raft directory");
    }
    RaftDirectory directory =
        RaftDirectory.open(path, new LogGroups(cluster), begun.map(LogGroups::new));
    try {
      if (directory.logs().isEmpty()) {
        throw new IOException("cannot recover from " + path + ": it holds no raft logs");
      }
      return new ForcedCluster(path, directory);
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  /** All members of the order log, as far as this node knows. */
  public List<Member> members() throws IOException {
    return MembersFile.read(directory.group(LogId.ORDER)).stream()
        .flatMap(file -> file.peers().stream())
        .flatMap(peer -> LogGroups.member(peer).stream())
        .toList();
  }

  /** What is here, in order of the logs. */
  public List<Survived> survived() throws IOException {
    List<Survived> survived = new ArrayList<>();
    for (LogId log : directory.logs()) {
      survived.add(survived(log));
    }
    return survived;
  }

  private Survived survived(LogId log) throws IOException {
    Path group = directory.group(log);
    Set<NodeId> former = new TreeSet<>();
    Optional<MembersFile> members = MembersFile.read(group);
    members.ifPresent(
        file -> file.peers().forEach(it -> LogGroups.node(it.getId()).ifPresent(former::add)));
    CopyFloor floor = new CopyFloor(Retention.DEFAULT);
    floor.open(group);
    OfflineLog.End end = OnlyMember.end(group);
    return new Survived(log, former, floor.floor(), end.term(), end.last(), end.committed());
  }

  /** Reads everything that was proposed to a log and that this node has. */
  public void read(LogId log, Reader reader) throws IOException {
    new OfflineLog(directory.group(log))
        .read((term, index, bytes) -> reader.entry(log, term, index, bytes));
  }

  /**
   * Makes the survivor the only member of all logs, under the names of another cluster. From then
   * on every entry in them counts as committed. After a break it is called again, with the same
   * cluster.
   *
   * @param cluster id that no cluster had before
   * @param self the survivor, with the address for its new members
   * @param lastOrdered what is behind this index in the order log is taken away
   */
  public void found(String cluster, Member self, long lastOrdered) throws IOException {
    new OfflineLog(directory.group(LogId.ORDER)).cutBehind(lastOrdered);
    StateFile state = directory.state(self.id());
    RaftPeer peer =
        RaftPeer.newBuilder()
            .setId(RaftPeerId.valueOf(state.state().getPeer()))
            .setAddress(self.address())
            .build();
    OnlyMember.write(directory, peer);
    state.change(builder -> builder.setMember(true).setRemoved(false));
    directory.rename(new LogGroups(cluster));
  }

  @Override
  public void close() throws IOException {
    directory.close();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
