package dev.marmot.sqlite;

/**
 * A copy of a replica that is on its way to a snapshot (protocol.md §1, "Install", the donor's
 * part). The copy holds the rows of one position without those that were pending; the ordinary
 * apply code then goes on with it, until every row that was left out has been written by a record.
 * Confined to the thread that made it.
 */
public interface StagedReplica extends AutoCloseable {
  /**
   * The copy. Nothing is pending in it and it is nobody's own: it only applies. Its state's file is
   * the donor's.
   */
  ReplicaStore store();

  /**
   * {@link RowImage#keyHash} of each row that was left out because it was pending. The copy is
   * complete once a record has written each of them.
   */
  long[] leftOut();

  /** Completes the copy; {@link #store} is closed. Call it when the copy is complete, once. */
  Snapshot seal();

  /** Gives the copy up, unless sealed. */
  @Override
  void close();
}
