package dev.marmot.sqlite;

/**
 * A whole replica at one position: committed rows only, no pending, no parked ones. Immutable; the
 * store that is given it knows where its rows are.
 */
public interface Snapshot {
  /** The bookkeeping that belongs to the rows. Its file is the donor's, and is never taken over. */
  ReplicaState state();
}
