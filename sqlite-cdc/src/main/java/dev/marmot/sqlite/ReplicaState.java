package dev.marmot.sqlite;

import java.util.Map;

/**
 * The protocol's bookkeeping, as committed in the SQLite file together with the rows. Immutable.
 *
 * @param term term of the position
 * @param position index in the order log up to which everything is applied; -1 when nothing is
 * @param file random identity of this SQLite file
 * @param last newest applied change set of each origin
 * @param minEpoch lowest live epoch of each origin
 * @param windowStart positions below this one are forgotten by the writer window
 */
public record ReplicaState(
    long term,
    long position,
    long file,
    long schemaVersion,
    Map<Integer, LastApplied> last,
    Map<Integer, Long> minEpoch,
    long windowStart) {
  /** An origin that is removed has this lowest epoch: no epoch of it is ever live again. */
  public static final long REMOVED = Long.MAX_VALUE;

  public ReplicaState {
    last = Map.copyOf(last);
    minEpoch = Map.copyOf(minEpoch);
  }

  /**
   * The newest applied change set of one origin. Immutable.
   *
   * @param epoch epoch of the newest applied change set, 0 when none
   * @param number its number
   * @param maxSeq newest change log row of the origin's file that it covered
   * @param file identity of the origin's file when it captured
   * @param base position of that file at its newest capture of rows, which was synced with it; -1
   *     when none is known
   */
  public record LastApplied(long epoch, long number, long maxSeq, long file, long base) {
    public static final LastApplied NONE = new LastApplied(0, 0, 0, 0, -1);

    /**
     * What is newest after one more change set.
     *
     * @param hasRows a fence has none: nothing is synced before it is sent
     * @param position at which the origin stood when it captured
     */
    public LastApplied next(
        long epoch, long number, long maxSeq, long file, boolean hasRows, long position) {
      long before = this.file == file ? base : -1;
      return new LastApplied(epoch, number, maxSeq, file, hasRows ? position : before);
    }
  }

  public LastApplied lastOf(int origin) {
    return last.getOrDefault(origin, LastApplied.NONE);
  }

  public long minEpochOf(int origin) {
    return minEpoch.getOrDefault(origin, 0L);
  }
}
