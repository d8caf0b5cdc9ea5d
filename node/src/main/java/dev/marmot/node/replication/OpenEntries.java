package dev.marmot.node.replication;

import dev.marmot.raft.LogId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The entries of this node's shard copies, in log order, until all their chunks are settled: tells
 * up to where a copy may be purged. Every copy of a chunk counts, also one that came twice, since
 * another node may have purged the other one. Thread-safe.
 */
final class OpenEntries {
  private final Map<LogId, Tail> tails = new HashMap<>();

  /** Entries that are not known to be settled, and where the next one will be. */
  private static final class Tail {
    private final Deque<Noted> entries = new ArrayDeque<>();
    private long next;
  }

  private record Noted(long index, List<ChangeSetId> ids) {}

  /** An entry was handed over. */
  synchronized void noted(LogId log, long index, List<ChangeSetId> ids) {
    Tail tail = tails.computeIfAbsent(log, unused -> new Tail());
    tail.entries.addLast(new Noted(index, ids));
    tail.next = index + 1;
  }

  /** Entries below this index are gone. */
  synchronized void skipped(LogId log, long index) {
    Tail tail = tails.computeIfAbsent(log, unused -> new Tail());
    tail.entries.removeIf(entry -> entry.index() < index);
    tail.next = Math.max(tail.next, index);
  }

  /**
   * For each log that had entries, the lowest index that is still needed. Forgets what lies below.
   *
   * @param settled judges in a durable state
   */
  synchronized Map<LogId, Long> floors(Predicate<ChangeSetId> settled) {
    Map<LogId, Long> floors = new HashMap<>();
    tails.forEach((log, tail) -> floors.put(log, floor(tail, settled)));
    return floors;
  }

  private static long floor(Tail tail, Predicate<ChangeSetId> settled) {
    while (!tail.entries.isEmpty()) {
      Noted first = tail.entries.getFirst();
      if (!first.ids().stream().allMatch(settled)) {
        return first.index();
      }
      tail.entries.removeFirst();
    }
    return tail.next;
  }

  /** For each origin with chunks that are not settled, how many such chunks there are. */
  synchronized Map<Integer, Integer> openChunks(Predicate<ChangeSetId> settled) {
    Map<Integer, Integer> open = new HashMap<>();
    for (Tail tail : tails.values()) {
      for (Noted entry : tail.entries) {
        entry.ids().stream()
            .filter(settled.negate())
            .forEach(id -> open.merge(id.origin(), 1, Integer::sum));
      }
    }
    return open;
  }
}
