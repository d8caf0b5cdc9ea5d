package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LeaderlessTest {
  @Test
  void oneShardThatChangesItsLeader_isNamed_andIsNoLostQuorum() {
    assertThat(Leaderless.isQuorumLost(1, 17)).isFalse();
    assertThat(Leaderless.reason(List.of("shard 3"), 17, List.of()))
        .isEqualTo(
            "no leader: shard 3; the other 16 raft logs have one; if it lasts, see `marmot"
                + " shards`");
  }

  @Test
  void lostQuorum_namesWhoIsMissingAndWhy() {
    assertThat(Leaderless.isQuorumLost(0, 0)).isFalse();
    assertThat(Leaderless.isQuorumLost(17, 17)).isTrue();
    assertThat(
            Leaderless.reason(
                List.of("order log", "shard 1"), 2, List.of("n2 at b:1: nobody listens")))
        .isEqualTo(
            "no leader: no raft log has one, so too few members reach each other (unreachable: n2"
                + " at b:1: nobody listens); start those that are down");
  }
}
