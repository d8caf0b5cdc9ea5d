package dev.marmot.node.replication;

import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the own copies of the logs say about the state that belongs to them. Stateless. */
public final class Floors {
  private Floors() {}

  /** The lowest position from which this node's copies can be applied; -1 from the beginning. */
  public static long needed(OrderedLogs logs) {
    return all(logs).map(logs::floor).mapToLong(Floor::position).max().orElse(-1);
  }

  /** The position where this node's state stood once, as its copies prove; -1 when they do not. */
  public static long proven(OrderedLogs logs) {
    return all(logs)
        .map(logs::floor)
        .filter(floor -> !floor.ahead())
        .mapToLong(Floor::position)
        .max()
        .orElse(-1);
  }

  /**
   * The logs whose copies here gave up what a state at this position still needs, and perhaps
   * nobody else has: who leads them must be another. A copy that is ahead gave up nothing, since
   * its leader had begun there before.
   */
  public static Set<LogId> behind(OrderedLogs logs, long position) {
    return all(logs)
        .filter(log -> logs.floor(log).position() > position && !logs.floor(log).ahead())
        .collect(Collectors.toSet());
  }

  private static Stream<LogId> all(OrderedLogs logs) {
    return IntStream.rangeClosed(0, logs.allShards()).mapToObj(LogId::new);
  }
}
