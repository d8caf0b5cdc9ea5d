package dev.marmot.node.replication;

import dev.marmot.raft.LogPosition;
import java.util.Map;
import java.util.TreeMap;

/** In which term each entry of the order log was written. Thread-safe. */
public final class Terms {
  private final TreeMap<Long, Long> byFirstIndex = new TreeMap<>();

  /** Notes a committed entry of the order log. Called in index order. */
  public synchronized void committed(LogPosition position) {
    Map.Entry<Long, Long> newest = byFirstIndex.lastEntry();
    if (newest == null || newest.getValue() != position.term()) {
      byFirstIndex.put(position.index(), position.term());
    }
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
