package dev.marmot.node.peer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.peer.OddOptions.Heard;
import dev.marmot.node.peer.OddOptions.Verdict;
import dev.marmot.proto.v1.NodeIdentity;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Only the odd ones end. */
class OddOptionsTest {
  private static NodeIdentity identity(int node, int shards) {
    return NodeIdentity.newBuilder().setNodeId(node).setShards(shards).build();
  }

  /** Node 1 has the first number of shards, and so on; a silent node has 0. */
  private static Optional<Verdict> decide(int self, int replicating, int... shards) {
    Map<Integer, Heard> heard = new HashMap<>();
    for (int node = 1; node <= shards.length; node++) {
      if (node != self && shards[node - 1] != 0) {
        heard.put(node, new Heard(identity(node, shards[node - 1]), node == replicating));
      }
    }
    return OddOptions.decide(identity(self, shards[self - 1]), shards.length, heard);
  }

  private static boolean ends(int self, int replicating, int... shards) {
    return decide(self, replicating, shards).orElseThrow().ends();
  }

  @Test
  void nobodyDiffers() {
    assertThat(decide(1, 0, 4, 4, 4)).isEmpty();
    assertThat(decide(1, 0, 4, 0, 0)).isEmpty();
  }

  @Test
  void oneOfThree_ends_theOthersWaitAndSayForWhom() {
    Verdict odd = decide(3, 0, 4, 4, 8).orElseThrow();
    assertThat(odd.ends()).isTrue();
    assertThat(odd.why())
        .isEqualTo(
            "cannot start node 3: node 3 was started with shards=8, node 1 with shards=4; give it the"
                + " options of nodes 1, 2");
    Verdict right = decide(1, 0, 4, 4, 8).orElseThrow();
    assertThat(right.ends()).isFalse();
    assertThat(right.why()).contains("waiting").contains("node 3 was started with shards=8");
  }

  @Test
  void aTie_endsNobody() {
    assertThat(ends(1, 0, 4, 8)).isFalse();
    assertThat(ends(2, 0, 4, 8)).isFalse();
    assertThat(ends(1, 0, 4, 0, 8)).as("the third may agree with either").isFalse();
    assertThat(ends(3, 0, 4, 4, 8, 8)).isFalse();
    assertThat(ends(1, 0, 2, 4, 8)).isFalse();
  }

  @Test
  void theSilentCount_asIfTheyAgreed() {
    assertThat(ends(3, 0, 4, 4, 8, 0, 0)).isFalse();
    assertThat(ends(3, 0, 4, 4, 8, 4, 0)).isTrue();
    assertThat(ends(4, 0, 4, 4, 2, 8)).as("two against one and one").isTrue();
  }

  @Test
  void whoReplicates_stays() {
    assertThat(ends(2, 1, 4, 8)).as("node 1 replicates").isTrue();
    assertThat(ends(1, 3, 4, 8, 4)).as("node 3, of the same kind, does").isFalse();
  }
}
