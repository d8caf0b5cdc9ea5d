package dev.marmot.node.verify;

import dev.marmot.sqlite.store.TableHashes;
import dev.marmot.sqlite.store.TableHashes.TableHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Ranges of a table in which the same nodes differ from the same majority. Immutable.
 *
 * @param ranges buckets of {@link TableHashes}
 * @param majority nodes that agree, more than half of all; empty when there are none
 * @param differing nodes that do not; all that answered when there is no majority
 * @param missing those of them that do not replicate such a table
 */
record Difference(
    String table,
    List<Integer> ranges,
    List<Integer> majority,
    List<Integer> differing,
    List<Integer> missing) {
  Difference {
    ranges = List.copyOf(ranges);
    majority = List.copyOf(majority);
    differing = List.copyOf(differing);
    missing = List.copyOf(missing);
  }

  /** Who differs from whom. */
  private record Sides(List<Integer> majority, List<Integer> differing) {}

  /**
   * Compares what nodes answered.
   *
   * @param hashes by node; of one position, without the same rows
   * @param members how many nodes there are, whether they answered or not
   */
  static List<Difference> between(Map<Integer, TableHashes> hashes, int members) {
    Set<String> tables = new TreeSet<>();
    hashes.values().forEach(h -> tables.addAll(h.tables().keySet()));
    List<Difference> found = new ArrayList<>();
    for (String table : tables) {
      List<Integer> missing = new ArrayList<>();
      new TreeMap<>(hashes)
          .forEach(
              (node, has) -> {
                if (!has.tables().containsKey(table)) {
                  missing.add(node);
                }
              });
      Map<Sides, List<Integer>> ranges = new LinkedHashMap<>();
      for (int range = 0; range < TableHashes.BUCKETS; range++) {
        Collection<List<Integer>> groups = groups(hashes, table, range);
        if (groups.size() > 1) {
          ranges.computeIfAbsent(sides(groups, members), s -> new ArrayList<>()).add(range);
        }
      }
      ranges.forEach(
          (sides, in) ->
              found.add(
                  new Difference(
                      table,
                      in,
                      sides.majority(),
                      sides.differing(),
                      missing.stream().filter(sides.differing()::contains).toList())));
    }
    return found;
  }

  /** Nodes that have the same in a range. */
  private static Collection<List<Integer>> groups(
      Map<Integer, TableHashes> hashes, String table, int range) {
    Map<List<Long>, List<Integer>> groups = new LinkedHashMap<>();
    for (Map.Entry<Integer, TableHashes> node : new TreeMap<>(hashes).entrySet()) {
      TableHash hash = node.getValue().tables().get(table);
      List<Long> has =
          hash == null
              ? List.of()
              : List.of(
                  hash.sums()[3 * range], hash.sums()[3 * range + 1], hash.sums()[3 * range + 2]);
      groups.computeIfAbsent(has, h -> new ArrayList<>()).add(node.getKey());
    }
    return groups.values();
  }

  private static Sides sides(Collection<List<Integer>> groups, int members) {
    List<Integer> majority =
        groups.stream().filter(g -> g.size() * 2 > members).findFirst().orElse(List.of());
    Set<Integer> differing = new TreeSet<>();
    groups.forEach(differing::addAll);
    majority.forEach(differing::remove);
    return new Sides(majority, List.copyOf(differing));
  }
}
