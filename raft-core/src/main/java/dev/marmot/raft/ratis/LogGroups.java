package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.jspecify.annotations.Nullable;

/**
 * Names of logs and nodes in the words of Ratis. Immutable.
 *
 * <p>A founder of the cluster is called like its node, {@code n3}. A node that joins is called
 * {@code n3-} and something random: when it lost its directory and comes back, it is somebody else
 * to Raft, and cannot vote again where it has voted before.
 */
final class LogGroups {
  static final int MAX_SHARDS = 1024;

  private static final Pattern PEER = Pattern.compile("n(\\d+)(-.*)?");
  private static final Pattern ADDRESS = Pattern.compile("\\[?(.*?)]?:(\\d+)");

  private final List<RaftGroupId> byNumber = new ArrayList<>();
  private final Map<RaftGroupId, LogId> byGroup = new HashMap<>();

  LogGroups(String cluster) {
    for (int number = 0; number <= MAX_SHARDS; number++) {
      // Two clusters never share a group id, so their nodes cannot talk Raft by accident.
      String name = "marmot/" + cluster + "/" + number;
      RaftGroupId group =
          RaftGroupId.valueOf(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)));
      byNumber.add(group);
      byGroup.put(group, new LogId(number));
    }
  }

  RaftGroupId groupId(LogId log) {
    if (log.number() >= byNumber.size()) {
      throw new IllegalArgumentException(
          "cannot find " + log + ": a cluster has at most " + MAX_SHARDS + " shards");
    }
    return byNumber.get(log.number());
  }

  Optional<LogId> log(RaftGroupId group) {
    return Optional.ofNullable(byGroup.get(group));
  }

  /** The order log and the shards up to this one. */
  static List<LogId> upTo(int shards) {
    List<LogId> logs = new ArrayList<>();
    for (int number = 0; number <= shards; number++) {
      logs.add(new LogId(number));
    }
    return logs;
  }

  /** The name of a founder. */
  static RaftPeerId founder(NodeId node) {
    return RaftPeerId.valueOf(node.toString());
  }

  /** A name that no other life of this node has. */
  static RaftPeerId newcomer(NodeId node) {
    return RaftPeerId.valueOf(node + "-" + UUID.randomUUID().toString().substring(0, 8));
  }

  static Optional<NodeId> node(@Nullable RaftPeerId peer) {
    if (peer == null) {
      return Optional.empty();
    }
    Matcher name = PEER.matcher(peer.toString());
    return name.matches()
        ? Optional.of(new NodeId(Integer.parseInt(name.group(1))))
        : Optional.empty();
  }

  static RaftPeer founder(Member member) {
    return RaftPeer.newBuilder().setId(founder(member.id())).setAddress(member.address()).build();
  }

  static Optional<Member> member(RaftPeer peer) {
    return node(peer.getId()).flatMap(node -> member(node, peer.getAddress()));
  }

  static Optional<Member> member(NodeId node, @Nullable String address) {
    Matcher parts = ADDRESS.matcher(address == null ? "" : address);
    return parts.matches()
        ? Optional.of(new Member(node, parts.group(1), Integer.parseInt(parts.group(2))))
        : Optional.empty();
  }
}
