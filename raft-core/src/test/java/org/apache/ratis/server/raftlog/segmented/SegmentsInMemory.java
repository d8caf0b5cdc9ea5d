package org.apache.ratis.server.raftlog.segmented;

import java.util.HashSet;
import java.util.Set;
import org.apache.ratis.server.raftlog.RaftLog;

/** What Ratis holds of a log. Stateless. */
public final class SegmentsInMemory {
  private SegmentsInMemory() {}

  /** How many segments have their entries in memory. */
  public static int count(RaftLog log) {
    SegmentedRaftLogCache cache = ((SegmentedRaftLog) log).getRaftLogCache();
    Set<Long> starts = new HashSet<>();
    for (long index = log.getStartIndex(); index < log.getNextIndex(); index++) {
      LogSegment segment = cache.getSegment(index);
      if (segment != null && segment.hasCache()) {
        starts.add(segment.getStartIndex());
      }
    }
    return starts.size();
  }
}
