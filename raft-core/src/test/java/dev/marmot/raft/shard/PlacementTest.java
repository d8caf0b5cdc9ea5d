package dev.marmot.raft.shard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class PlacementTest {
  private static final NodeId N1 = new NodeId(1);
  private static final NodeId N2 = new NodeId(2);
  private static final NodeId N3 = new NodeId(3);

  @Test
  void moves_countsDifferByOne_nothing() {
    assertThat(
            Placement.moves(
                Map.of(LogId.ORDER, N1, LogId.shard(1), N2, LogId.shard(2), N1, LogId.shard(3), N3),
                Set.of(N1, N2, N3),
                Set.of()))
        .isEmpty();
  }

  @Test
  void moves_oneLeadsAll_orderLogStays() {
    assertThat(
            Placement.moves(
                Map.of(LogId.ORDER, N2, LogId.shard(1), N2, LogId.shard(2), N2),
                Set.of(N1, N2, N3),
                Set.of()))
        .containsExactly(new Move(LogId.shard(2), N1), new Move(LogId.shard(1), N3));
  }

  @Test
  void moves_noLiveNode_nothing() {
    assertThat(Placement.moves(Map.of(LogId.ORDER, N1), Set.of(), Set.of())).isEmpty();
  }

  @Test
  void moves_randomLeaders_evenWithFewestMoves() {
    for (long seed = 0; seed < 500; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Set<NodeId> live = new HashSet<>();
      int nodes = random.nextInt(1, 6);
      for (int id = 1; id <= nodes; id++) {
        live.add(new NodeId(id));
      }
      Map<LogId, NodeId> leaders = new HashMap<>();
      int logs = random.nextInt(1, 25);
      for (int log = 0; log < logs; log++) {
        leaders.put(new LogId(log), new NodeId(random.nextInt(1, nodes + 1)));
      }
      List<Move> moves = Placement.moves(leaders, live, Set.of());
      assertThat(moves.size()).as("seed %d", seed).isEqualTo(fewestMoves(leaders, live));
      Map<LogId, NodeId> after = new HashMap<>(leaders);
      moves.forEach(move -> after.put(move.log(), move.to()));
      List<Integer> counts = counts(after, live);
      assertThat(Collections.max(counts) - Collections.min(counts))
          .as("seed %d", seed)
          .isLessThanOrEqualTo(1);
    }
  }

  /** The fullest nodes keep one more than the others, as far as the division leaves a rest. */
  private static int fewestMoves(Map<LogId, NodeId> leaders, Set<NodeId> live) {
    List<Integer> counts = counts(leaders, live);
    counts.sort(Collections.reverseOrder());
    int share = leaders.size() / live.size();
    int rest = leaders.size() % live.size();
    int moves = 0;
    for (int i = 0; i < counts.size(); i++) {
      moves += Math.max(0, counts.get(i) - share - (i < rest ? 1 : 0));
    }
    return moves;
  }

  private static List<Integer> counts(Map<LogId, NodeId> leaders, Set<NodeId> live) {
    List<Integer> counts = new ArrayList<>();
    for (NodeId node : live) {
      counts.add(Collections.frequency(leaders.values(), node));
    }
    return counts;
  }

  @Test
  void moves_fixedLogsCountAndStay() {
    Map<LogId, NodeId> leaders =
        Map.of(LogId.ORDER, N1, LogId.shard(1), N1, LogId.shard(2), N1, LogId.shard(3), N2);
    assertThat(
            Placement.moves(
                leaders, Set.of(N1, N2), Set.of(LogId.ORDER, LogId.shard(1), LogId.shard(2))))
        .isEmpty();
    assertThat(Placement.moves(leaders, Set.of(N1, N2), Set.of(LogId.shard(2), LogId.shard(3))))
        .containsExactly(new Move(LogId.shard(1), N2));
  }
}
