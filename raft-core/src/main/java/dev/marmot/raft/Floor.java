package dev.marmot.raft;

/**
 * Where a copy of a log begins (protocol.md §1, "Purge"). Immutable.
 *
 * @param index lowest index that may still be needed; everything below may be purged
 * @param position order log index whose durable state makes everything below unnecessary: a node
 *     that stands there or later needs none of it
 */
public record Floor(long index, long position) {
  /** A copy that begins with the log. */
  public static final Floor NONE = new Floor(0, -1);
}
