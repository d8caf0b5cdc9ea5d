package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.Retention;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.protocol.TermIndex;

/**
 * A node that is alone in its logs. Nobody else has to agree when it writes there who its members
 * are, or at which address. Works on a directory that no server uses. Stateless.
 */
final class OnlyMember {
  private OnlyMember() {}

  /** Whether no log names anybody else, not even in a change that is not committed yet. */
  static boolean is(RaftDirectory directory, RaftPeerId self) throws IOException {
    for (LogId log : directory.logs()) {
      Path group = directory.group(log);
      Optional<RaftConfigurationProto> newest = new OfflineLog(group).members();
      Optional<RaftConfigurationProto> written = MembersFile.members(group);
      if (!newest.or(() -> written).filter(it -> names(it, self)).isPresent()
          || !written.or(() -> newest).filter(it -> names(it, self)).isPresent()) {
        return false;
      }
    }
    return true;
  }

  private static boolean names(RaftConfigurationProto members, RaftPeerId self) {
    return members.getPeersCount() == 1
        && members.getPeers(0).getId().equals(self.toByteString())
        && members.getOldPeersCount() == 0
        && members.getListenersCount() == 0
        && members.getOldListenersCount() == 0;
  }

  /** Makes it the only member of all logs. May be repeated after it broke off. */
  static void write(RaftDirectory directory, RaftPeer self) throws IOException {
    // The order log last: until then its file says what was before.
    for (LogId log : directory.logs().descendingSet()) {
      Path group = directory.group(log);
      OfflineLog.End end = end(group);
      // Exactly where the node, elected by itself, writes its members again.
      MembersFile.write(group, self, TermIndex.valueOf(end.term(), end.last() + 1));
    }
  }

  /** Where a log ends, which may be where it begins. */
  static OfflineLog.End end(Path group) throws IOException {
    CopyFloor floor = new CopyFloor(Retention.DEFAULT);
    floor.open(group);
    CopyStart start = floor.current();
    TermIndex below = start == null ? TermIndex.valueOf(0, -1) : start.below();
    OfflineLog.End end = new OfflineLog(group).end();
    boolean empty = end.last() <= below.getIndex();
    return new OfflineLog.End(
        empty ? below.getTerm() : end.term(),
        empty ? below.getIndex() : end.last(),
        Math.max(end.committed(), below.getIndex()));
  }
}
