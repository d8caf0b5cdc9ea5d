package dev.marmot.raft.ratis;

import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.util.ProtoUtils;

/**
 * The file in which Ratis keeps the members of a log. Immutable.
 *
 * @param peers voters and listeners
 * @param at the entry that made them members
 */
record MembersFile(List<RaftPeer> peers, TermIndex at) {
  MembersFile {
    peers = List.copyOf(peers);
  }

  static Path file(Path group) {
    return group.resolve("current").resolve("raft-meta.conf");
  }

  /** Empty when Ratis has not written it yet. */
  static Optional<MembersFile> read(Path group) throws IOException {
    return entry(group).map(MembersFile::of);
  }

  /** The same, with whom the members replace while that is not committed. */
  static Optional<RaftConfigurationProto> members(Path group) throws IOException {
    return entry(group).map(LogEntryProto::getConfigurationEntry);
  }

  private static Optional<LogEntryProto> entry(Path group) throws IOException {
    Path file = file(group);
    return Files.exists(file)
        ? Optional.of(LogEntryProto.parseFrom(Files.readAllBytes(file)))
        : Optional.empty();
  }

  private static MembersFile of(LogEntryProto entry) {
    RaftConfigurationProto members = entry.getConfigurationEntry();
    List<RaftPeer> peers = new ArrayList<>(ProtoUtils.toRaftPeers(members.getPeersList()));
    peers.addAll(ProtoUtils.toRaftPeers(members.getListenersList()));
    return new MembersFile(peers, TermIndex.valueOf(entry.getTerm(), entry.getIndex()));
  }

  static void write(Path group, RaftPeer only, TermIndex at) throws IOException {
    write(group, List.of(only), at);
  }

  static void write(Path group, List<RaftPeer> peers, TermIndex at) throws IOException {
    RaftConfigurationProto.Builder members = RaftConfigurationProto.newBuilder();
    for (RaftPeer peer : peers) {
      if (peer.getStartupRole() == RaftPeerRole.LISTENER) {
        members.addListeners(peer.getRaftPeerProto());
      } else {
        members.addPeers(peer.getRaftPeerProto());
      }
    }
    LogEntryProto entry =
        LogEntryProto.newBuilder()
            .setTerm(at.getTerm())
            .setIndex(at.getIndex())
            .setConfigurationEntry(members)
            .build();
    DurableFile.write(file(group), entry.toByteArray());
  }
}
