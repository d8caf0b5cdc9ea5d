package dev.marmot.raft;

/**
 * How much of a log that this node does not need any more stays for members that lag. Immutable.
 *
 * @param entries newest entries of each log
 * @param bytes of each log on disk; when the newest entries take more, fewer are kept
 */
public record Retention(long entries, long bytes) {
  public static final Retention DEFAULT = new Retention(1024, 64L << 20);

  public Retention {
    if (entries < 0 || bytes < 0) {
      throw new IllegalArgumentException(
          "retention must not be negative, got %d entries, %d bytes".formatted(entries, bytes));
    }
  }
}
