package dev.marmot.node.simulation;

/**
 * Rules whose place is not in the replication package: the simulation breaks them in what it puts
 * in the place of SQLite, of the hooks and of the disk.
 */
enum Sabotage {
  /** The hooks log a noted key although its row is still there. */
  NOTES_ARE_WRITES,
  /** After a power loss the bookkeeping is newer than the rows. */
  POSITION_OUTSIDE_TRANSACTION,
  /** A chunk that is proposed again carries the rows of now. */
  NEW_BYTES_AT_RETRY,
  /** Rows that are pending at the donor travel with a snapshot. */
  DONOR_SENDS_PENDING,
  /** The highest change log number is forgotten with its row, and used again. */
  SEQ_REUSED,
  /** A raft log acknowledges entries that it has not synced. */
  ACKNOWLEDGED_BEFORE_SYNC,
  /** Who lost a raft log votes and counts at once, as if nothing were gone. */
  VOTES_WITH_AMNESIA,
  /** Nobody looks whether a file is an older copy of itself. */
  OLDER_COPIES_GO_ON,
  /** Without a previous entry a leader's commit index counts for entry 0, as in Ratis 3.3.0. */
  COMMITS_WITHOUT_PREVIOUS
}
