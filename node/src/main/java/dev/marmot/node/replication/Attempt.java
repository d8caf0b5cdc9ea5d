package dev.marmot.node.replication;

/**
 * The proposal of one item: waiting, under way, committed; after a failure waiting again, with
 * growing pauses. Confined to the origin's thread.
 */
final class Attempt {
  private static final int MOST_DOUBLINGS = 4;

  private boolean underWay;
  private boolean committed;
  private long committedAt = -1;
  private int failures;
  private long notBefore = Long.MIN_VALUE;

  boolean isDue(long now) {
    return !underWay && !committed && now >= notBefore;
  }

  boolean isUnderWay() {
    return underWay;
  }

  boolean isCommitted() {
    return committed;
  }

  /** Index of the committed entry, when its acknowledgement was seen; -1 otherwise. */
  long committedAt() {
    return committedAt;
  }

  int failures() {
    return failures;
  }

  /** When it is worth looking again; {@code Long.MAX_VALUE} while nothing is to be done. */
  long wakeAt() {
    return underWay || committed ? Long.MAX_VALUE : notBefore;
  }

  void start() {
    underWay = true;
  }

  void commit(long index) {
    underWay = false;
    committed = true;
    committedAt = index;
  }

  void fail(long now, long pause) {
    underWay = false;
    notBefore = now + (pause << Math.min(failures, MOST_DOUBLINGS));
    failures++;
  }

  /** The committed entry had no effect: it has to be proposed again. */
  void again() {
    committed = false;
    committedAt = -1;
  }
}
