package dev.marmot.node.first;

import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.TableContent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Whether a node may begin to replicate, by what the nodes of a new cluster hold. Pure. */
final class Comparison {
  private Comparison() {}

  /** What this node does. */
  sealed interface Outcome {}

  /** Not known yet: these nodes have not said what they hold. */
  record Waiting(List<Integer> nodes) implements Outcome {
    Waiting {
      nodes = List.copyOf(nodes);
    }
  }

  /** Not now: the operator has to decide something. */
  record Differing(String why) implements Outcome {}

  /** Never: this node is not the one that was compared. */
  record Replaced(String why) implements Outcome {}

  /**
   * It may.
   *
   * @param take whether its own rows have to give way to the others' first
   * @param files the file of each node that was compared
   */
  record Agreed(boolean take, Map<Integer, Long> files) implements Outcome {
    Agreed {
      files = Map.copyOf(files);
    }
  }

  /**
   * Decides for one node.
   *
   * @param members everybody who has to agree
   * @param known what nodes have said, this one included
   */
  static Outcome decide(int self, Set<Integer> members, Map<Integer, FirstContent> known) {
    FirstContent own = known.getOrDefault(self, FirstContent.getDefaultInstance());
    Optional<Map.Entry<Integer, FirstContent>> agreed =
        new TreeMap<>(known)
            .entrySet().stream()
                .filter(entry -> entry.getKey() != self && entry.getValue().getAgreed())
                .findFirst();
    if (agreed.isPresent()) {
      return join(self, own, agreed.get().getKey(), agreed.get().getValue());
    }
    Set<Integer> missing = new TreeSet<>(members);
    missing.removeAll(known.keySet());
    if (!missing.isEmpty()) {
      return new Waiting(List.copyOf(missing));
    }
    SortedMap<Integer, FirstContent> bringing = new TreeMap<>();
    Map<Integer, Long> files = new TreeMap<>();
    for (int node : members) {
      FirstContent content = known.getOrDefault(node, FirstContent.getDefaultInstance());
      files.put(node, content.getIdentity().getFile());
      if (!content.getTaken() && content.getSeed() == 0) {
        bringing.put(node, content);
      }
    }
    Optional<String> problem =
        seedProblem(bringing.keySet(), known).or(() -> differences(bringing, known));
    if (problem.isPresent()) {
      return new Differing(problem.get());
    }
    FirstContent seed = known.getOrDefault(own.getSeed(), own);
    return new Agreed(own.getSeed() != 0 && differ(self, own, own.getSeed(), seed), files);
  }

  /** The others replicate already: they had agreed with this node's file, or with another one. */
  private static Outcome join(int self, FirstContent own, int node, FirstContent theirs) {
    Long file = theirs.getFilesMap().get(self);
    if (file != null && file != own.getIdentity().getFile()) {
      return new Replaced(
          "cannot start node %d: the cluster knows it with another file, so its file and its"
                  .formatted(self)
              + " directory were lost or replaced; put both back, or start with --join and the"
              + " raft address of another member");
    }
    boolean differs = differ(self, own, node, theirs);
    if (differs && own.getSeed() == 0) {
      return new Differing(
          "the file differs from what the cluster began with: %s; start this node with --seed-from"
                  .formatted(between(self, own, node, theirs))
              + " %d to take the content of the cluster (a copy of the file is kept)"
                  .formatted(node));
    }
    Optional<String> onlyHere = differs ? onlyOne(self, own, node, theirs) : Optional.empty();
    return onlyHere.isPresent()
        ? new Differing(onlyHere.get())
        : new Agreed(differs, theirs.getFilesMap());
  }

  private static Optional<String> seedProblem(
      Set<Integer> bringing, Map<Integer, FirstContent> known) {
    Map<Integer, List<Integer>> takers = new TreeMap<>();
    new TreeMap<>(known)
        .forEach(
            (node, content) -> {
              if (content.getSeed() != 0) {
                takers.computeIfAbsent(content.getSeed(), unused -> new ArrayList<>()).add(node);
              }
            });
    boolean unclear = takers.size() > 1 || !bringing.containsAll(takers.keySet());
    if (!unclear) {
      return Optional.empty();
    }
    String who =
        takers.entrySet().stream()
            .map(e -> ContentDifferences.nodes(e.getValue()) + " with --seed-from " + e.getKey())
            .collect(Collectors.joining(", "));
    return Optional.of(
        "it is not clear whose content counts: %s; name the same node on all, and start that node"
                .formatted(who)
            + " with its own number or without the option");
  }

  private static Optional<String> differences(
      SortedMap<Integer, FirstContent> bringing, Map<Integer, FirstContent> known) {
    String tables = ContentDifferences.between(bringing);
    if (!tables.isEmpty()) {
      return Optional.of(
          "the files of the nodes differ: %s; start %s with --seed-from and the number of the node"
                  .formatted(tables, ContentDifferences.nodes(List.copyOf(bringing.keySet())))
              + " whose content all shall take (a copy of each other file is kept)");
    }
    for (Map.Entry<Integer, FirstContent> entry : new TreeMap<>(known).entrySet()) {
      int seed = entry.getValue().getSeed();
      FirstContent content = known.get(seed);
      if (seed != 0 && content != null) {
        Optional<String> only = onlyOne(entry.getKey(), entry.getValue(), seed, content);
        if (only.isPresent()) {
          return only;
        }
      }
    }
    return Optional.empty();
  }

  /** Rows of a table that the other node does not have at all have nothing to give way to. */
  private static Optional<String> onlyOne(
      int taker, FirstContent content, int giver, FirstContent theirs) {
    Set<String> there =
        theirs.getTablesList().stream().map(TableContent::getName).collect(Collectors.toSet());
    List<String> only =
        content.getTablesList().stream()
            .filter(table -> table.getRows() > 0 && !there.contains(table.getName()))
            .map(table -> "%s (%d rows)".formatted(table.getName(), table.getRows()))
            .toList();
    return only.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "node %d cannot take the content of node %d, which lacks tables: %s; choose a node that"
                    .formatted(taker, giver, String.join(", ", only))
                + " has them, or stop node %d, run `marmot cleanup` on its file, drop them there,"
                    .formatted(taker)
                + " delete its raft-path and start it again");
  }

  private static boolean differ(int one, FirstContent content, int other, FirstContent theirs) {
    return !between(one, content, other, theirs).isEmpty();
  }

  private static String between(int one, FirstContent content, int other, FirstContent theirs) {
    SortedMap<Integer, FirstContent> both = new TreeMap<>();
    both.put(one, content);
    both.put(other, theirs);
    return ContentDifferences.between(both);
  }
}
