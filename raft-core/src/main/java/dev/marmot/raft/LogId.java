package dev.marmot.raft;

/** One raft log: 0 is the order log, 1 and up are the data shards. Immutable. */
public record LogId(int number) implements Comparable<LogId> {
  public static final LogId ORDER = new LogId(0);

  public LogId {
    if (number < 0) {
      throw new IllegalArgumentException("raft log number must not be negative, got " + number);
    }
  }

  /** The raft log of a data shard, numbered from 1. */
  public static LogId shard(int shard) {
    if (shard < 1) {
      throw new IllegalArgumentException("shards are numbered from 1, got " + shard);
    }
    return new LogId(shard);
  }

  public boolean isOrderLog() {
    return number == 0;
  }

  @Override
  public int compareTo(LogId other) {
    return Integer.compare(number, other.number);
  }

  @Override
  public String toString() {
    return isOrderLog() ? "order log" : "shard " + number;
  }
}
