package dev.marmot.node.peer;

import dev.marmot.node.identity.Identities;
import dev.marmot.proto.v1.NodeIdentity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who has to give way when nodes were started with options that do not fit together. Pure.
 *
 * <p>The few end, with the reason, and the many wait for them: a node ends when nodes that agree
 * among themselves outnumber those that agree with it, whatever the silent ones will say, or when
 * they replicate already and nobody of its own kind does. Else, as with two nodes that differ, all
 * wait and say what differs: none may take another one down.
 */
final class OddOptions {
  private OddOptions() {}

  /** What another node said. */
  record Heard(NodeIdentity identity, boolean replicating) {}

  /**
   * What is to be done about it.
   *
   * @param ends whether this node has to end; otherwise it waits
   */
  record Verdict(boolean ends, String why) {}

  /**
   * Decides for one node.
   *
   * @param members how many nodes there are, this one included
   * @param heard what the others said last
   * @return empty when nobody differs
   */
  static Optional<Verdict> decide(NodeIdentity self, int members, Map<Integer, Heard> heard) {
    List<Heard> own = agreeing(self, heard.values());
    List<Heard> others = new ArrayList<>(new TreeMap<>(heard).values());
    others.removeAll(own);
    if (others.isEmpty()) {
      return Optional.empty();
    }
    int silent = Math.max(0, members - 1 - heard.size());
    boolean begun = own.stream().anyMatch(Heard::replicating);
    Heard first = others.get(0);
    for (Heard other : others) {
      List<Heard> group = new ArrayList<>(agreeing(other.identity(), others));
      group.add(other);
      boolean outnumbered = group.size() > own.size() + 1 + silent;
      boolean established = !begun && group.stream().anyMatch(Heard::replicating);
      if (outnumbered || established) {
        return Optional.of(
            new Verdict(
                true,
                "cannot start node %d: %s; give it the options of %s"
                    .formatted(
                        self.getNodeId(),
                        Identities.differsFromPeer(other.identity(), self).orElse(""),
                        names(group))));
      }
    }
    return Optional.of(
        new Verdict(
            false,
            "waiting for nodes with the same options: %s; start %s again with the options of the"
                    .formatted(
                        Identities.differsFromPeer(self, first.identity()).orElse(""),
                        others.size() == 1 ? "one of them" : "those that are wrong")
                + " others"));
  }

  private static List<Heard> agreeing(NodeIdentity one, Collection<Heard> heard) {
    return heard.stream()
        .filter(other -> other.identity().getNodeId() != one.getNodeId())
        .filter(other -> Identities.differsFromPeer(one, other.identity()).isEmpty())
        .toList();
  }

  private static String names(List<Heard> group) {
    List<Integer> nodes =
        group.stream().map(heard -> heard.identity().getNodeId()).sorted().distinct().toList();
    return nodes.size() == 1
        ? "node " + nodes.get(0)
        : "nodes " + String.join(", ", nodes.stream().map(String::valueOf).toList());
  }
}
