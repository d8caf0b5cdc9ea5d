package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.MetadataProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLogOutputStream;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;

/** Writes the files of a raft log as Ratis does, with contents of the test's choice. Stateless. */
final class CraftedLog {
  static final long PREALLOCATED = 64 << 10;

  private CraftedLog() {}

  /** A log whose node has voted in a term and holds these entries, none of them committed. */
  static void write(Path node, String cluster, LogId log, long term, LogEntryProto... entries)
      throws IOException {
    Path group = node.resolve(new LogGroups(cluster).groupId(log).getUuid().toString());
    Path current = Files.createDirectories(group.resolve("current"));
    Files.createDirectories(group.resolve("sm"));
    Files.writeString(current.resolve("raft-meta"), "term=" + term + "\nvotedFor=\n");
    if (entries.length > 0) {
      segment(current.resolve("log_inprogress_0"), List.of(entries));
    }
  }

  static void segment(Path file, List<LogEntryProto> entries) throws IOException {
    try (SegmentedRaftLogOutputStream out =
        new SegmentedRaftLogOutputStream(
            file.toFile(), false, 1 << 20, PREALLOCATED, ByteBuffer.allocateDirect(1 << 20))) {
      for (LogEntryProto entry : entries) {
        out.write(entry);
      }
      out.flush();
    }
  }

  static LogEntryProto members(long term, long index, List<RaftPeer> peers) {
    RaftConfigurationProto.Builder members = RaftConfigurationProto.newBuilder();
    peers.forEach(peer -> members.addPeers(peer.getRaftPeerProto()));
    return LogEntryProto.newBuilder()
        .setTerm(term)
        .setIndex(index)
        .setConfigurationEntry(members)
        .build();
  }

  static LogEntryProto data(long term, long index, byte[] bytes) {
    return LogEntryProto.newBuilder()
        .setTerm(term)
        .setIndex(index)
        .setStateMachineLogEntry(
            StateMachineLogEntryProto.newBuilder()
                .setClientId(ClientId.randomId().toByteString())
                .setCallId(index)
                .setLogData(ByteString.copyFrom(bytes)))
        .build();
  }

  static LogEntryProto metadata(long term, long index, long committed) {
    return LogEntryProto.newBuilder()
        .setTerm(term)
        .setIndex(index)
        .setMetadataEntry(MetadataProto.newBuilder().setCommitIndex(committed))
        .build();
  }
}
