package dev.marmot.sqlite;

/**
 * How much is kept beside the tables. Immutable.
 *
 * @param conflicts entries of the conflict log
 * @param newestConflict id of the newest of them, 0 when there is none
 * @param held rows that this node cannot store
 * @param parked rows that wait until a local row in their way is ordered
 */
public record AsideCounts(long conflicts, long newestConflict, long held, long parked) {}
