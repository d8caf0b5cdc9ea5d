package dev.marmot.node.replication;

import dev.marmot.raft.LogPosition;
import java.util.Map;
import java.util.TreeMap;

/** What was handed over of the order log: how far, and the term of each entry. Thread-safe. */
public final class Terms {
  private final TreeMap<Long, Long> byFirstIndex = new TreeMap<>();

  private long newest = -1;

  /** Notes a committed entry of the order log. Called in index order. */
  public synchronized void committed(LogPosition position) {
    Map.Entry<Long, Long> known = byFirstIndex.lastEntry();
    if (known == null || known.getValue() != position.term()) {
      byFirstIndex.put(position.index(), position.term());
    }
    newest = Math.max(newest, position.index());
  }

  /** Index of the newest entry that was handed over; -1 when none was. */
  synchronized long newest() {
    return newest;
  }

  /** The term of an entry that was handed over; older entries are forgotten. */
  synchronized long of(long index) {
    Map.Entry<Long, Long> term = byFirstIndex.floorEntry(index);
    if (term == null) {
      throw new ProtocolViolation(
          "cannot apply entry %d of the order log: it was never handed over".formatted(index));
    }
    byFirstIndex.headMap(term.getKey()).clear();
    return term.getValue();
  }
}
