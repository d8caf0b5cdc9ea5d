package dev.marmot.node.identity;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.proto.v1.Member;
import dev.marmot.proto.v1.NodeIdentity;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/** What identities say, and how two of them differ. Pure functions. */
public final class Identities {
  private static final int FORMAT = 1;

  private Identities() {}

  /** The identity that the options give; without the SQLite file, which is not known yet. */
  public static NodeIdentity of(NodeConfig config) {
    List<Member> members =
        config.raft().members().stream()
            .sorted(Comparator.comparing(dev.marmot.raft.Member::id))
            .map(
                m ->
                    Member.newBuilder()
                        .setNodeId(m.id().value())
                        .setHost(m.host())
                        .setPort(m.port())
                        .build())
            .toList();
    return NodeIdentity.newBuilder()
        .setFormat(FORMAT)
        .setCluster(clusterId(config.cluster(), members))
        .setClusterName(config.cluster())
        .setNodeId(config.self().value())
        .setShards(config.raft().shards())
        .addAllMembers(members)
        .addAllExcluded(config.replication().excluded().globs())
        .build();
  }

  /** The same, with how its file writes text: what peers are told. */
  public static NodeIdentity withEncoding(NodeIdentity identity, Charset encoding) {
    return identity.toBuilder().setEncoding(encoding.name()).build();
  }

  /**
   * The identity that the options give to a node that may have been in a cluster. The cluster keeps
   * the id of its first start, also when its members are now written in another way, or a cluster
   * of one got another address. One that was recovered by force goes on with what it became,
   * whatever its bootstrap says.
   */
  public static NodeIdentity of(NodeConfig config, Optional<NodeIdentity> stored) {
    NodeIdentity given = of(config);
    if (stored.isEmpty()) {
      return given;
    }
    NodeIdentity before = stored.get();
    if (recovered(before)) {
      return given.toBuilder()
          .setCluster(before.getCluster())
          .addAllFormer(before.getFormerList())
          .clearMembers()
          .addAllMembers(before.getMembersList())
          .build();
    }
    boolean same =
        before.getClusterName().equals(given.getClusterName())
            && (sameMembers(before, given) || movedAlone(before, given));
    return same ? given.toBuilder().setCluster(before.getCluster()).build() : given;
  }

  /** Whether a cluster of one got another address: nobody else has to be told. */
  private static boolean movedAlone(NodeIdentity before, NodeIdentity now) {
    return alone(before) && alone(now) && before.getNodeId() == now.getNodeId();
  }

  private static boolean alone(NodeIdentity identity) {
    return identity.getMembersCount() == 1
        && identity.getMembers(0).getNodeId() == identity.getNodeId();
  }

  /** Whether two lists name the same nodes at the same addresses, however they are written. */
  private static boolean sameMembers(NodeIdentity a, NodeIdentity b) {
    return canonical(a.getMembersList()).equals(canonical(b.getMembersList()));
  }

  private static List<Member> canonical(List<Member> members) {
    return members.stream()
        .map(m -> m.toBuilder().setHost(address(m).canonical().host()).build())
        .toList();
  }

  private static Address address(Member member) {
    return new Address(member.getHost(), member.getPort());
  }

  /** Whether the node is of a cluster that was recovered by force out of another one. */
  public static boolean recovered(NodeIdentity identity) {
    return identity.getFormerCount() > 0;
  }

  /**
   * The same node as the only one of a cluster of its own.
   *
   * @param cluster id that no cluster had before
   */
  public static NodeIdentity alone(NodeIdentity before, String cluster, Member self) {
    return before.toBuilder()
        .addFormer(before.getCluster())
        .setCluster(cluster)
        .clearMembers()
        .addMembers(self)
        .build();
  }

  /** Why a node is left out by another one whose cluster was recovered; empty when it is not. */
  public static Optional<String> leftOut(NodeIdentity mine, NodeIdentity theirs) {
    return theirs.getFormerList().contains(mine.getCluster())
        ? Optional.of(
            ("the cluster was recovered without node %d (recover --force-new-cluster) and goes on as"
                    + " %s; to bring this node in, set its raft directory aside, run `marmot"
                    + " cleanup` on its file, and start it with --join")
                .formatted(mine.getNodeId(), theirs.getCluster()))
        : Optional.empty();
  }

  /** The same on every node that was given the same name and the same members. */
  private static String clusterId(String name, List<Member> members) {
    String seed = "marmot cluster\n" + name + "\n" + text(canonical(members));
    return UUID.nameUUIDFromBytes(seed.getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** How the options differ from what the directory says; empty when they agree. */
  static Optional<String> differsFromDirectory(
      NodeIdentity stored, NodeIdentity wanted, boolean bound) {
    if (stored.getFormat() > FORMAT) {
      return Optional.of(
          "its identity has format %d, this version reads up to %d"
              .formatted(stored.getFormat(), FORMAT));
    }
    if (stored.getNodeId() != wanted.getNodeId()) {
      return Optional.of(
          "it belongs to node %d, this is node %d"
              .formatted(stored.getNodeId(), wanted.getNodeId()));
    }
    NodeIdentity expected =
        movedAlone(stored, wanted)
            ? stored.toBuilder().clearMembers().addAllMembers(wanted.getMembersList()).build()
            : stored;
    return bound ? differ("it was made", "this start", expected, wanted) : Optional.empty();
  }

  /** Why a node that introduces itself does not belong to this one; empty when it does. */
  public static Optional<String> differsFromPeer(NodeIdentity mine, NodeIdentity theirs) {
    if (theirs.getNodeId() == mine.getNodeId()) {
      return Optional.of("both call themselves node " + mine.getNodeId());
    }
    String one = "node " + theirs.getNodeId() + " was started";
    String other = "node " + mine.getNodeId();
    return differ(one, other, theirs, mine)
        .or(() -> differ(one, other, theirs.getExcludedList(), mine.getExcludedList()))
        .or(() -> encodingsDiffer(one, other, theirs.getEncoding(), mine.getEncoding()));
  }

  private static Optional<String> differ(String one, String other, NodeIdentity a, NodeIdentity b) {
    if (!a.getClusterName().equals(b.getClusterName())) {
      return difference("cluster", one, a.getClusterName(), other, b.getClusterName());
    }
    if (a.getShards() != b.getShards()) {
      return difference("shards", one, a.getShards(), other, b.getShards());
    }
    if (!sameMembers(a, b)) {
      return difference(
          "bootstrap", one, text(a.getMembersList()), other, text(b.getMembersList()));
    }
    return Optional.empty();
  }

  /** The directory may say otherwise: excluded tables change when all nodes are started anew. */
  private static Optional<String> differ(String one, String other, List<String> a, List<String> b) {
    return a.equals(b)
        ? Optional.empty()
        : difference("exclude", one, String.join(",", a), other, String.join(",", b));
  }

  /** Text travels as the bytes of the file; an older version does not say what they mean. */
  private static Optional<String> encodingsDiffer(String one, String other, String a, String b) {
    return a.isEmpty() || b.isEmpty() || a.equals(b)
        ? Optional.empty()
        : difference("a file whose PRAGMA encoding", one, a, other, b);
  }

  private static Optional<String> difference(
      String what, String one, Object a, String other, Object b) {
    return Optional.of("%s with %s=%s, %s with %s=%s".formatted(one, what, a, other, what, b));
  }

  private static String text(List<Member> members) {
    return members.stream()
        .map(m -> m.getNodeId() + "@" + address(m))
        .collect(Collectors.joining(","));
  }
}
