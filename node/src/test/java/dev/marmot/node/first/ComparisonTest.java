package dev.marmot.node.first;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.first.Comparison.Agreed;
import dev.marmot.node.first.Comparison.Differing;
import dev.marmot.node.first.Comparison.Outcome;
import dev.marmot.node.first.Comparison.Replaced;
import dev.marmot.node.first.Comparison.Waiting;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.proto.v1.TableContent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final Set<Integer> THREE = Set.of(1, 2, 3);
  private static final Map<Integer, Long> FILES = Map.of(1, 10L, 2, 20L, 3, 30L);

  private final Map<Integer, FirstContent> known = new HashMap<>();

  private static TableContent table(String name, long rows, String hash) {
    return TableContent.newBuilder()
        .setName(name)
        .setRows(rows)
        .setHash(hash)
        .setColumns("k,v")
        .build();
  }

  private static FirstContent content(int node, TableContent... tables) {
    return FirstContent.newBuilder()
        .setIdentity(NodeIdentity.newBuilder().setNodeId(node).setFile(node * 10L))
        .addAllTables(List.of(tables))
        .build();
  }

  private void says(int node, TableContent... tables) {
    known.put(node, content(node, tables));
  }

  private void takes(int node, int seed) {
    known.put(node, known.getOrDefault(node, content(node)).toBuilder().setSeed(seed).build());
  }

  private void agreed(int node) {
    known.put(
        node,
        known.getOrDefault(node, content(node)).toBuilder()
            .setAgreed(true)
            .putAllFiles(FILES)
            .build());
  }

  private Outcome decide(int self) {
    return Comparison.decide(self, THREE, known);
  }

  private String why(int self) {
    assertThat(decide(self)).isInstanceOf(Differing.class);
    return ((Differing) decide(self)).why();
  }

  @Test
  void untilEverybodyHasSpoken_nobodyBegins() {
    says(2, table("t", 1, "a"));
    assertThat(decide(2)).isEqualTo(new Waiting(List.of(1, 3)));
    says(1, table("t", 2, "b"));
    assertThat(decide(2)).as("a difference is told when all are there").isInstanceOf(Waiting.class);
  }

  @Test
  void equalFiles_begin_andRememberWhoseTheyAre() {
    says(1, table("t", 2, "a"), table("created already", 0, "0"));
    says(2, table("t", 2, "a"));
    says(3, table("t", 2, "a"));
    for (int node : THREE) {
      assertThat(decide(node)).isEqualTo(new Agreed(false, FILES));
    }
  }

  @Test
  void differences_areNamedWithRowsAndNodes() {
    says(1, table("equal", 1, "x"), table("t", 2, "a"), table("u", 1, "a"));
    says(2, table("equal", 1, "x"), table("t", 2, "b"), table("u", 1, "a"));
    says(3, table("equal", 1, "x"), table("t", 2, "a"));
    for (int node : THREE) {
      assertThat(why(node))
          .contains("t (nodes 1, 3: 2 rows; node 2: 2 other rows)")
          .contains("u (nodes 1, 2: 1 row; node 3: 0 rows)")
          .doesNotContain("equal (")
          .contains("start nodes 1, 2, 3 with --seed-from");
    }
  }

  @Test
  void otherColumns_areADifference() {
    says(1, table("t", 1, "a"));
    says(2, table("t", 1, "a"));
    says(3, TableContent.newBuilder(table("t", 1, "b")).setColumns("k,v,w").build());
    assertThat(why(1))
        .contains("t (nodes 1, 2: 1 row of columns k,v; node 3: 1 other row of columns k,v,w)");
  }

  @Test
  void seedFrom_replacesWhereFilesDiffer_andOnlyThere() {
    says(1, table("t", 2, "a"));
    says(2, table("t", 2, "a"));
    says(3, table("t", 5, "c"));
    takes(2, 1);
    assertThat(why(1)).contains("start nodes 1, 3");
    takes(3, 1);
    assertThat(decide(1)).isEqualTo(new Agreed(false, FILES));
    assertThat(decide(2)).isEqualTo(new Agreed(false, FILES));
    assertThat(decide(3)).isEqualTo(new Agreed(true, FILES));
  }

  @Test
  void contradictingSeeds_areRefused() {
    says(1, table("t", 1, "a"));
    says(2, table("t", 2, "b"));
    says(3, table("t", 3, "c"));
    takes(1, 2);
    takes(2, 1);
    assertThat(why(3))
        .contains("node 2 with --seed-from 1, node 1 with --seed-from 2")
        .contains("name the same node");
    known.remove(2);
    says(2, table("t", 2, "b"));
    takes(3, 1);
    assertThat(why(2)).as("node 1 takes node 2's itself").contains("name the same node");
  }

  @Test
  void rowsOfATableThatTheSeedLacks_areNotGivenUp() {
    says(1, table("t", 1, "a"));
    says(2, table("t", 1, "a"), table("mine", 7, "m"));
    says(3, table("t", 1, "a"));
    takes(2, 1);
    for (int node : THREE) {
      assertThat(why(node)).contains("node 2 cannot take").contains("lacks tables: mine (7 rows)");
    }
    says(1, table("t", 1, "a"), table("mine", 0, "0"));
    assertThat(decide(2)).isEqualTo(new Agreed(true, FILES));
  }

  @Test
  void aLateNode_goesByWhatTheOthersAgreedOn() {
    says(1, table("t", 1, "a"));
    agreed(1);
    says(3, table("t", 1, "a"));
    assertThat(decide(3)).as("node 2 need not be asked").isEqualTo(new Agreed(false, FILES));
    says(3, table("t", 2, "b"));
    assertThat(why(3)).contains("t (node 1: 1 row; node 3: 2 rows)").contains("--seed-from 1");
    takes(3, 1);
    assertThat(decide(3)).isEqualTo(new Agreed(true, FILES));
  }

  @Test
  void anotherFileThanTheOneThatWasCompared_isNotThatNode() {
    says(1, table("t", 1, "a"));
    agreed(1);
    known.put(
        3,
        content(3, table("t", 1, "a")).toBuilder()
            .setIdentity(NodeIdentity.newBuilder().setNodeId(3).setFile(31))
            .build());
    assertThat(decide(3)).isInstanceOf(Replaced.class);
    assertThat(((Replaced) decide(3)).why()).contains("lost or replaced").contains("--join");
  }

  @Test
  void whoTakesWhatTheClusterHas_isNotCompared() {
    says(1, table("t", 1, "a"));
    says(2, table("t", 1, "a"));
    known.put(3, content(3).toBuilder().setTaken(true).build());
    assertThat(decide(1)).isEqualTo(new Agreed(false, FILES));
  }

  @Test
  void manyDifferences_areCutShort() {
    Map<Integer, FirstContent> contents = new TreeMap<>();
    for (int node = 1; node <= 2; node++) {
      FirstContent.Builder content = content(node).toBuilder();
      for (int i = 0; i < 30; i++) {
        content.addTables(table("t" + i, node, "h" + node));
      }
      contents.put(node, content.build());
    }
    assertThat(ContentDifferences.between(new TreeMap<>(contents))).endsWith(" and 10 more");
  }
}
