package dev.marmot.raft;

/** Place of an entry in a raft log: ordered by index. Immutable. */
public record LogPosition(long term, long index) implements Comparable<LogPosition> {
  /** Before the first entry. Ratis numbers entries from 0, so "nothing applied" is index -1. */
  public static final LogPosition NONE = new LogPosition(0, -1);

  @Override
  public int compareTo(LogPosition other) {
    return Long.compare(index, other.index);
  }

  @Override
  public String toString() {
    return term + ":" + index;
  }
}
