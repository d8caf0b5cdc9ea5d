package dev.marmot.node.replication;

/**
 * What an epoch is made of: a count, and below it a part that whoever opens it draws at random. The
 * count orders the epochs of a node; the drawn part makes each of them a thing of one life of the
 * node alone, also when a disk was set back and the same count is opened twice. An epoch whose
 * drawn part is 0 was opened by another node, to end the one before. Pure functions.
 */
public final class EpochNumber {
  private static final int DRAWN_BITS = 32;

  private EpochNumber() {}

  /** The epoch with the next count. */
  static long after(long epoch, int drawn) {
    return ending(epoch) | Integer.toUnsignedLong(drawn);
  }

  /** The epoch that ends this one and that nobody has: its drawn part is 0. */
  public static long ending(long epoch) {
    return (count(epoch) + 1) << DRAWN_BITS;
  }

  /** The how-manieth epoch of its node it is, more or less: counts are left out. */
  public static long count(long epoch) {
    return epoch >>> DRAWN_BITS;
  }

  /** Whether a life of the node opened it itself. */
  static boolean isDrawn(long epoch) {
    return (int) epoch != 0;
  }

  /** For people. */
  static String text(long epoch) {
    return "%d.%08x".formatted(count(epoch), (int) epoch);
  }
}
