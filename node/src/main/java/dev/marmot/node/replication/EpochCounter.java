package dev.marmot.node.replication;

/** The origin's epoch counter: outlives the SQLite file, and never repeats a value. */
public interface EpochCounter {
  /** Newest epoch that was ever stored; 0 when none. */
  long load();

  /** Stores an epoch; it survives a power loss when this returns. */
  void store(long epoch);
}
