package dev.marmot.raft;

/**
 * Where a copy of a log begins (protocol.md §1, "Purge"). Immutable.
 *
 * @param index lowest index that may still be needed; everything below may be purged
 * @param position order log index whose durable state makes everything below unnecessary: a node
 *     that stands there or later needs none of it
 * @param ahead whether the copy went there before the node's own state did: a snapshot is to bring
 *     it, and until then the floor is no proof that the node ever stood at the position
 */
public record Floor(long index, long position, boolean ahead) {
  /** A copy that begins with the log. */
  public static final Floor NONE = new Floor(0, -1);

  /** A floor that the node's own state has reached. */
  public Floor(long index, long position) {
    this(index, position, false);
  }

  /** The same, for a node whose state is not there yet. */
  public Floor beforeState() {
    return new Floor(index, position, true);
  }
}
