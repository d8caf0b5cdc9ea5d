package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.jspecify.annotations.Nullable;

/** Names of logs and nodes in the words of Ratis. Immutable. */
final class LogGroups {
  private final Map<LogId, RaftGroupId> byLog = new LinkedHashMap<>();
  private final Map<RaftGroupId, LogId> byGroup = new LinkedHashMap<>();
  private final List<RaftPeer> peers = new ArrayList<>();

  LogGroups(String cluster, int shards, List<Member> members) {
    for (int number = 0; number <= shards; number++) {
      // Two clusters never share a group id, so their nodes cannot talk Raft by accident.
      String name = "marmot/" + cluster + "/" + number;
      RaftGroupId group =
          RaftGroupId.valueOf(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)));
      byLog.put(new LogId(number), group);
      byGroup.put(group, new LogId(number));
    }
    for (Member member : members) {
      peers.add(
          RaftPeer.newBuilder().setId(peer(member.id())).setAddress(member.address()).build());
    }
  }

  List<LogId> logs() {
    return List.copyOf(byLog.keySet());
  }

  RaftGroupId groupId(LogId log) {
    RaftGroupId group = byLog.get(log);
    if (group == null) {
      throw new IllegalArgumentException(
          "cannot find " + log + ": this cluster has " + (byLog.size() - 1) + " shards");
    }
    return group;
  }

  RaftGroup group(LogId log) {
    return RaftGroup.valueOf(groupId(log), peers);
  }

  Optional<LogId> log(RaftGroupId group) {
    return Optional.ofNullable(byGroup.get(group));
  }

  List<RaftPeer> peers() {
    return List.copyOf(peers);
  }

  static RaftPeerId peer(NodeId node) {
    return RaftPeerId.valueOf(node.toString());
  }

  static Optional<NodeId> node(@Nullable RaftPeerId peer) {
    return peer == null
        ? Optional.empty()
        : Optional.of(new NodeId(Integer.parseInt(peer.toString().substring(1))));
  }
}
