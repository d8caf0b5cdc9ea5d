package dev.marmot.sqlite;

import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.List;

/**
 * Takes a snapshot into the live file, in one transaction (protocol.md §1, "Install", the
 * receiver's part). Confined to the applier thread. The methods are primitives; what is kept,
 * skipped and logged is the protocol's decision.
 */
public interface InstallTransaction extends AutoCloseable {
  /** Deletes change log rows up to this one, so that their keys are no longer pending. */
  void trimChangeLog(long maxSeq);

  /** The keys of the change log that are still pending. */
  List<PendingKey> pending();

  /** Remembers what the snapshot has under a pending key: a row, or none. */
  void hide(PendingKey key);

  /** Marks that a foreign image was kept away from this pending key. */
  void skip(PendingKey key);

  /**
   * Every row that is not pending becomes what the snapshot has, no more, no less. Rows of the
   * snapshot that collide with a pending row on a secondary UNIQUE index are parked when {@code
   * park}; nothing else is parked afterwards. Keys that are not pending are not skipped any more,
   * and hide nothing. Held rows become the snapshot's. A row of the snapshot that this node cannot
   * store is held.
   */
  void replaceRows(boolean park);

  /** The snapshot's conflict log entries that are not here yet are added. */
  void uniteConflicts();

  void last(int origin, LastApplied last);

  void minEpoch(int origin, long epoch);

  /** The writer window becomes the snapshot's. */
  void replaceWriters();

  void position(long term, long index);

  /** Commits. The transaction is over. */
  void commit();

  /** Rolls back unless committed. */
  @Override
  void close();

  /**
   * A pending key.
   *
   * @param keyHash {@link RowImage#keyHash} of the row
   * @param parked a foreign image of the key is parked here: the local write has not seen it
   * @param hidden what the order log had put under the key is remembered
   */
  record PendingKey(RowKey key, long keyHash, boolean parked, boolean hidden) {}
}
