package dev.marmot.node.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.store.TableHashes;
import dev.marmot.sqlite.store.TableHashes.TableHash;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who differs from whom, and where. */
class DifferenceTest {
  /** A table with one row in each of these ranges, all with the same hash. */
  private static TableHash table(long hash, int... ranges) {
    long[] sums = new long[3 * TableHashes.BUCKETS];
    for (int range : ranges) {
      sums[3 * range] = 1;
      sums[3 * range + 2] = hash;
    }
    return new TableHash(ranges.length, sums);
  }

  private static TableHashes hashes(Map<String, TableHash> tables) {
    return new TableHashes(9, tables);
  }

  /** Nodes 1, 2, ... with these versions of table t. */
  private static Map<Integer, TableHashes> nodes(TableHash... tables) {
    Map<Integer, TableHashes> nodes = new HashMap<>();
    for (TableHash table : tables) {
      nodes.put(nodes.size() + 1, hashes(Map.of("t", table)));
    }
    return nodes;
  }

  @Test
  void equalNodes_doNotDiffer() {
    assertThat(Difference.between(nodes(table(7, 3), table(7, 3), table(7, 3)), 3)).isEmpty();
    assertThat(Difference.between(Map.of(), 3)).isEmpty();
  }

  @Test
  void oneOfThree_differsFromTheMajority_inItsRangesOnly() {
    assertThat(Difference.between(nodes(table(7, 3, 200), table(8, 3, 200), table(7, 3, 200)), 3))
        .containsExactly(
            new Difference("t", List.of(3, 200), List.of(1, 3), List.of(2), List.of()));
    assertThat(Difference.between(nodes(table(7, 3), table(7, 3), table(7, 3, 5)), 3))
        .containsExactly(new Difference("t", List.of(5), List.of(1, 2), List.of(3), List.of()));
  }

  @Test
  void rangesWithOtherSides_areDifferencesOfTheirOwn() {
    assertThat(Difference.between(nodes(table(7, 1, 2), table(7, 2), table(7, 1)), 3))
        .containsExactly(
            new Difference("t", List.of(1), List.of(1, 3), List.of(2), List.of()),
            new Difference("t", List.of(2), List.of(1, 2), List.of(3), List.of()));
  }

  @Test
  void halfOrLess_isNoMajority_andThenAllDiffer() {
    List<Difference> everybody =
        List.of(new Difference("t", List.of(3), List.of(), List.of(1, 2), List.of()));
    assertThat(Difference.between(nodes(table(7, 3), table(8, 3)), 2)).isEqualTo(everybody);
    assertThat(Difference.between(nodes(table(7, 3), table(8, 3), table(9, 3)), 3))
        .containsExactly(new Difference("t", List.of(3), List.of(), List.of(1, 2, 3), List.of()));
    assertThat(Difference.between(nodes(table(7, 3), table(8, 3), table(7, 3)), 4))
        .as("two of four, one did not answer")
        .containsExactly(new Difference("t", List.of(3), List.of(), List.of(1, 2, 3), List.of()));
  }

  @Test
  void tableThatANodeLacks_differsInAllRanges_evenWhenEmpty() {
    Map<Integer, TableHashes> nodes = new HashMap<>(nodes(table(0), table(0)));
    nodes.put(3, hashes(Map.of()));
    assertThat(Difference.between(nodes, 3))
        .containsExactly(
            new Difference(
                "t",
                IntStream.range(0, TableHashes.BUCKETS).boxed().toList(),
                List.of(1, 2),
                List.of(3),
                List.of(3)));
  }
}
