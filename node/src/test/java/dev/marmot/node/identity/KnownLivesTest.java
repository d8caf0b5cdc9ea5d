package dev.marmot.node.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.replication.OlderCopyCheck;
import dev.marmot.proto.v1.KnownLife;
import dev.marmot.sqlite.ReplicaState;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Node 3, file 7 at position 100 with change log row 50; epoch 4 and start 9 were the last. */
class KnownLivesTest {
  private static final long FOREIGN = 6;
  private static final KnownLife FINE =
      KnownLife.newBuilder()
          .setName("n3")
          .setEpoch(4)
          .setLastEpoch(4)
          .setLastNumber(8)
          .setMaxSeq(50)
          .setFile(7)
          .setBase(100)
          .setStartFile(7)
          .setStart(9)
          .build();

  private static String refusal(KnownLife.Builder known) {
    OlderCopyCheck check =
        new OlderCopyCheck(
            3,
            new ReplicaState(1, 100, 7, 0, Map.of(), Map.of(), -1),
            50,
            -1,
            4,
            epoch -> epoch == FOREIGN);
    return new KnownLives(3, "n3", 7, 9, check).refusal(known.build()).orElse("");
  }

  @Test
  void whatItCanHaveDone_isNoReason() {
    assertThat(refusal(FINE.toBuilder())).isEmpty();
    assertThat(refusal(KnownLife.newBuilder())).as("never heard of").isEmpty();
    assertThat(refusal(FINE.toBuilder().setEpoch(ReplicaState.REMOVED))).isEmpty();
  }

  @Test
  void anEpochOrAStartOfAnotherLife_isAReason() {
    assertThat(refusal(FINE.toBuilder().setEpoch(FOREIGN))).contains("raft directory of node 3");
    assertThat(refusal(FINE.toBuilder().setLastEpoch(FOREIGN))).contains("raft directory");
    assertThat(refusal(FINE.toBuilder().setStart(10))).contains("start 10").contains("is 9");
    assertThat(refusal(FINE.toBuilder().setStart(10).setStartFile(8))).as("other file").isEmpty();
  }

  @Test
  void aLaterStateOfTheFile_isAReason() {
    assertThat(refusal(FINE.toBuilder().setMaxSeq(51))).contains("SQLite file of node 3");
    assertThat(refusal(FINE.toBuilder().setBase(101))).contains("stood at position 101");
    assertThat(refusal(FINE.toBuilder().setBase(101).setFile(8))).isEmpty();
  }

  /** That one is a matter of membership: this node was removed, or another took its number. */
  @Test
  void aMemberOfAnotherName_isNoFormerLife() {
    assertThat(refusal(FINE.toBuilder().setName("n3-abc").setEpoch(FOREIGN))).isEmpty();
  }
}
