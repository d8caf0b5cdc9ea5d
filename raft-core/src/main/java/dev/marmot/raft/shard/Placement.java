package dev.marmot.raft.shard;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/** Spreads leaders evenly. Pure functions. */
public final class Placement {
  private Placement() {}

  /**
   * The fewest moves after which no live node leads more than one log more than any other.
   *
   * <p>The order log counts like any other log, but it is moved last: all nodes wait for it. Logs
   * whose leader is not live are left alone; Raft elects a leader for them first.
   *
   * @param live nodes that may lead
   * @param fixed logs that stay where they are; they count
   */
  public static List<Move> moves(Map<LogId, NodeId> leaders, Set<NodeId> live, Set<LogId> fixed) {
    if (live.isEmpty()) {
      return List.of();
    }
    Map<NodeId, NavigableSet<LogId>> led = new TreeMap<>();
    Map<NodeId, Integer> stay = new TreeMap<>();
    live.forEach(node -> led.put(node, new TreeSet<>()));
    leaders.forEach(
        (log, node) -> {
          NavigableSet<LogId> logs = led.get(node);
          if (logs != null && fixed.contains(log)) {
            stay.merge(node, 1, Integer::sum);
          } else if (logs != null) {
            logs.add(log);
          }
        });
    // Each log moves at most once: what arrives at the emptiest node never leaves it again.
    NavigableMap<LogId, NodeId> moved = new TreeMap<>();
    ToIntFunction<NodeId> count = node -> logsOf(led, node).size() + stay.getOrDefault(node, 0);
    Comparator<NodeId> byCount = Comparator.comparingInt(count);
    while (true) {
      List<NodeId> givers = live.stream().filter(node -> !logsOf(led, node).isEmpty()).toList();
      if (givers.isEmpty()) {
        break;
      }
      NodeId fullest = Collections.max(givers, byCount.thenComparing(Comparator.reverseOrder()));
      NodeId emptiest = Collections.min(live, byCount.thenComparing(Comparator.naturalOrder()));
      if (count.applyAsInt(fullest) - count.applyAsInt(emptiest) <= 1) {
        break;
      }
      LogId log = logsOf(led, fullest).last();
      logsOf(led, fullest).remove(log);
      logsOf(led, emptiest).add(log);
      moved.put(log, emptiest);
    }
    List<Move> moves = new ArrayList<>();
    moved.descendingMap().forEach((log, to) -> moves.add(new Move(log, to)));
    return moves;
  }

  private static NavigableSet<LogId> logsOf(Map<NodeId, NavigableSet<LogId>> led, NodeId node) {
    return led.computeIfAbsent(node, none -> new TreeSet<>());
  }
}
