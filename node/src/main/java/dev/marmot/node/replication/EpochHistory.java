package dev.marmot.node.replication;

import java.util.List;
import java.util.stream.Stream;

/**
 * The epochs that the lives of one raft directory have opened. Immutable.
 *
 * @param since all epochs above this one that a life of the node ever opened are in the list, if
 *     the directory is what it should be; {@link #UNKNOWN} when former lives of the node had
 *     another directory, and nothing of this one is decided yet
 * @param opened ascending; never empty of the newest one
 */
public record EpochHistory(long since, List<Long> opened) {
  /** Nothing can be told yet. */
  public static final long UNKNOWN = Long.MAX_VALUE;

  /** A node that never ran before. */
  public static final EpochHistory NONE = new EpochHistory(0, List.of());

  private static final int MOST = 256;

  public EpochHistory {
    opened = List.copyOf(opened);
  }

  /**
   * A node that takes the place of a former self.
   *
   * @param newest the newest epoch of that one that is known
   */
  public static EpochHistory after(long newest) {
    return new EpochHistory(UNKNOWN, List.of(newest));
  }

  /** 0 when none was opened. */
  public long newest() {
    return opened.isEmpty() ? 0 : opened.get(opened.size() - 1);
  }

  /** With one that is opened now. */
  public EpochHistory with(long epoch) {
    List<Long> all = Stream.concat(opened.stream(), Stream.of(epoch)).toList();
    if (all.size() <= MOST) {
      return new EpochHistory(since, all);
    }
    List<Long> kept = all.subList(all.size() - MOST, all.size());
    return new EpochHistory(Math.max(since, all.get(all.size() - MOST - 1)), kept);
  }

  /** With one that has become the live one: former selves are over. */
  public EpochHistory settled(long epoch) {
    return since == UNKNOWN ? new EpochHistory(epoch, opened) : this;
  }

  /** Whether another directory has opened it, after the lives of this one began. */
  public boolean isForeign(long epoch) {
    return EpochNumber.isDrawn(epoch) && epoch > since && !opened.contains(epoch);
  }
}
