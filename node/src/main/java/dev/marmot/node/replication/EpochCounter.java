package dev.marmot.node.replication;

/**
 * The epochs that this node has opened: outlives the SQLite file, and survives a power loss. {@link
 * #isForeign} may be asked by any thread, the rest belongs to the origin's.
 */
public interface EpochCounter {
  /** Newest epoch that was ever stored; 0 when none. */
  long load();

  /** Stores an epoch; it survives a power loss when this returns. */
  void store(long epoch);

  /** The random part of an epoch that is opened next; never 0. */
  int draw();

  /** The own epoch is applied: whatever epoch of this node is newer, this directory has opened. */
  void settled(long epoch);

  /**
   * Whether a life of this node opened an epoch of which its directory knows nothing: it was set
   * back to an older copy of itself, or somebody else runs under this number.
   */
  boolean isForeign(long epoch);
}
