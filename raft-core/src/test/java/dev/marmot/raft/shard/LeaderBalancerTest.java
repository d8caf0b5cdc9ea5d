package dev.marmot.raft.shard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class LeaderBalancerTest {
  private static final NodeId N1 = new NodeId(1);
  private static final NodeId N2 = new NodeId(2);
  private static final NodeId N3 = new NodeId(3);
  private static final Set<NodeId> ALL = Set.of(N1, N2, N3);
  private static final Map<LogId, NodeId> ALL_ON_N1 =
      Map.of(LogId.ORDER, N1, LogId.shard(1), N1, LogId.shard(2), N1);

  private Set<LogId> fixed = Set.of();
  private final LeaderBalancer balancer = new LeaderBalancer(Duration.ofSeconds(2));

  @Test
  void decide_start_spreadsOnceAfterSettling() {
    assertThat(at(0, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(1.9, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(2, ALL_ON_N1, ALL)).hasSize(2);
    assertThat(at(100, ALL_ON_N1, ALL)).as("the operator moved them back").isEmpty();
  }

  @Test
  void decide_movedByHandWhileSettling_stays() {
    assertThat(at(0, ALL_ON_N1, ALL)).isEmpty();
    fixed = Set.of(LogId.shard(1), LogId.shard(2));
    assertThat(at(2, ALL_ON_N1, ALL)).extracting(Move::log).containsExactly(LogId.ORDER);
    fixed = Set.of();
    assertThat(at(3, ALL_ON_N1, ALL)).as("nothing changed").isEmpty();
    balancer.request(seconds(4));
    assertThat(at(5, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(6, ALL_ON_N1, ALL)).hasSize(2);
  }

  @Test
  void decide_aLogWithoutLeader_waits() {
    assertThat(at(0, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(5, Map.of(LogId.ORDER, N1, LogId.shard(1), N1), ALL)).isEmpty();
    assertThat(at(6, ALL_ON_N1, ALL)).hasSize(2);
  }

  @Test
  void decide_aLeaderThatIsNotLive_waits() {
    Map<LogId, NodeId> leaders = Map.of(LogId.ORDER, N1, LogId.shard(1), N1, LogId.shard(2), N3);
    assertThat(at(0, leaders, Set.of(N1, N2))).isEmpty();
    assertThat(at(3, leaders, Set.of(N1, N2))).isEmpty();
  }

  @Test
  void decide_nodeComesBack_spreadsAgain() {
    assertThat(at(0, ALL_ON_N1, Set.of(N1, N2))).isEmpty();
    assertThat(at(2, ALL_ON_N1, Set.of(N1, N2))).hasSize(1);
    assertThat(at(3, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(4.9, ALL_ON_N1, ALL)).isEmpty();
    assertThat(at(5, ALL_ON_N1, ALL)).hasSize(2);
  }

  @Test
  void request_beforeTheFirstLookOfANewLeader_countsAllTheSame() {
    balancer.notLeading();
    balancer.request(seconds(0));
    assertThat(decide(0.1, ALL_ON_N1, ALL, Optional.of(N2))).isEmpty();
    assertThat(decide(2.2, ALL_ON_N1, ALL, Optional.of(N2))).hasSize(2);
  }

  @Test
  void decide_orderLogTakenFromLiveLeader_keepsThePeace() {
    assertThat(decide(0, ALL_ON_N1, ALL, Optional.of(N2))).isEmpty();
    assertThat(decide(5, ALL_ON_N1, ALL, Optional.of(N2))).isEmpty();
    assertThat(decide(6, ALL_ON_N1, Set.of(N1, N2), Optional.of(N2))).isEmpty();
    assertThat(decide(8, ALL_ON_N1, Set.of(N1, N2), Optional.of(N2))).hasSize(1);
  }

  @Test
  void decide_orderLogTakenFromDeadLeader_spreads() {
    assertThat(decide(0, ALL_ON_N1, Set.of(N1, N2), Optional.of(N3))).isEmpty();
    assertThat(decide(2, ALL_ON_N1, Set.of(N1, N2), Optional.of(N3))).hasSize(1);
  }

  @Test
  void moveFailed_isTriedAgainNotForEver() {
    assertThat(at(0, ALL_ON_N1, ALL)).isEmpty();
    for (int attempt = 0; attempt < 3; attempt++) {
      assertThat(at(2 + 2 * attempt, ALL_ON_N1, ALL)).as("attempt %d", attempt).hasSize(2);
      balancer.moveFailed(seconds(2 + 2 * attempt));
    }
    assertThat(at(100, ALL_ON_N1, ALL)).isEmpty();
  }

  private List<Move> at(double seconds, Map<LogId, NodeId> leaders, Set<NodeId> live) {
    return decide(seconds, leaders, live, Optional.empty());
  }

  private List<Move> decide(
      double seconds, Map<LogId, NodeId> leaders, Set<NodeId> live, Optional<NodeId> former) {
    return balancer.decide(
        seconds(seconds), new LeaderBalancer.View(former, 3, leaders, live, fixed));
  }

  private static long seconds(double seconds) {
    return (long) (seconds * 1e9);
  }
}
