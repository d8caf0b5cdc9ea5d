package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;

/** Who takes part in which log, as this node's copies know it. Thread-safe. */
final class Members {
  private final Map<RaftPeerId, Member> given = new LinkedHashMap<>();
  private volatile List<Member> latest;
  private final RaftPeerId self;
  private final LogCopies copies;

  /**
   * @param first used until the order log says who takes part, and for the addresses of founders
   */
  Members(List<Member> first, RaftPeerId self, LogCopies copies) {
    this.latest = first;
    this.self = self;
    this.copies = copies;
    for (Member member : first) {
      given.put(LogGroups.founder(member.id()), member);
    }
  }

  /** In order of their ids. */
  List<Member> all() {
    List<Member> members = new ArrayList<>();
    for (RaftPeer peer : peers(LogId.ORDER)) {
      Member today = given.get(peer.getId());
      Optional.ofNullable(today).or(() -> LogGroups.member(peer)).ifPresent(members::add);
    }
    if (members.isEmpty()) { // the log is not open
      return latest;
    }
    members.sort(Comparator.comparing(Member::id));
    latest = List.copyOf(members);
    return members;
  }

  /** Voters and listeners. */
  List<RaftPeer> peers(LogId log) {
    List<RaftPeer> peers = new ArrayList<>();
    for (RaftPeerRole role : List.of(RaftPeerRole.FOLLOWER, RaftPeerRole.LISTENER)) {
      peers.addAll(peers(log, role));
    }
    return peers;
  }

  private List<RaftPeer> peers(LogId log, RaftPeerRole role) {
    return copies
        .division(log)
        .map(RaftServer.Division::getRaftConf)
        .map(members -> List.copyOf(members.getAllPeers(role)))
        .orElse(List.of());
  }

  Set<NodeId> voters(LogId log) {
    return nodes(log, RaftPeerRole.FOLLOWER);
  }

  Set<NodeId> listeners(LogId log) {
    return nodes(log, RaftPeerRole.LISTENER);
  }

  private Set<NodeId> nodes(LogId log, RaftPeerRole role) {
    Set<NodeId> nodes = new TreeSet<>();
    peers(log, role).forEach(peer -> LogGroups.node(peer.getId()).ifPresent(nodes::add));
    return nodes;
  }

  /** The name of a node in a log. */
  Optional<RaftPeerId> peer(LogId log, NodeId node) {
    return peers(log).stream()
        .map(RaftPeer::getId)
        .filter(id -> LogGroups.node(id).filter(node::equals).isPresent())
        .findFirst();
  }

  /** Whether this node is a member of a log, and knows it for sure. */
  boolean joined(LogId log) {
    return settled(log).filter(Members.this::contains).isPresent();
  }

  /** The committed entry that makes this node a member of a log, if it is the newest; else -1. */
  long settledSince(LogId log) {
    return settled(log).filter(this::contains).map(RaftConfiguration::getLogEntryIndex).orElse(-1L);
  }

  /** Whether the members on disk are others, also when that is not committed yet. */
  boolean excludes(LogId log) {
    return copies
        .division(log)
        .map(RaftServer.Division::getRaftConf)
        .filter(members -> !members.getAllPeers().isEmpty() && !contains(members))
        .isPresent();
  }

  /** The members of a log, once the entry that says so is committed. */
  Optional<RaftConfiguration> settled(LogId log) {
    return copies
        .division(log)
        .map(RaftServer.Division::getRaftConf)
        .filter(members -> members.getLogEntryIndex() <= copies.copy(log).committed());
  }

  private boolean contains(RaftConfiguration members) {
    return members.getPeer(self) != null || members.getPeer(self, RaftPeerRole.LISTENER) != null;
  }
}
