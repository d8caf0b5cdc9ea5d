package dev.marmot.sqlite;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The application's SQLite file, as the replication protocol sees it. The other of the two
 * interfaces against which the protocol is written; the simulation also runs it in memory.
 *
 * <p>{@link #begin} and the transaction belong to the applier thread; {@link #capture} and {@link
 * #sync} to the origin's thread; they use connections of their own. {@link #state} is thread-safe.
 */
public interface ReplicaStore extends AutoCloseable {
  /** The committed bookkeeping, as of the last commit of this process. */
  ReplicaState state();

  /** The writer window's entries in (windowStart, position], oldest first. Read at start. */
  List<WriterEntry> writers();

  /**
   * Begins the apply transaction: takes the write lock, raises the guard, empties the notes, reads
   * the change log's tail. Waits for the application's own write transaction as long as it takes.
   */
  ApplyTransaction begin();

  /**
   * Copies the committed file as it is now, without what is pending: the begin of a snapshot. Takes
   * no write lock; takes as long as copying the file takes. Any thread.
   */
  StagedReplica stage();

  /** The writer window of a snapshot, as {@link #writers}. Belongs to the applier thread. */
  List<WriterEntry> writers(Snapshot snapshot);

  /**
   * Begins to install a snapshot: finds out which rows differ, then takes the write lock and raises
   * the guard. Like {@link #begin}, it belongs to the applier thread and waits for the application.
   */
  InstallTransaction install(Snapshot snapshot);

  /**
   * Reads what changed after {@code afterSeq} in one read transaction. Empty when nothing did. Rows
   * that cannot travel (NULL in a key, more bytes than are sent) are held here and reported by
   * {@link #warnings}.
   */
  Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits);

  /**
   * Newest committed change log row; 0 when there never was one. Notices tables that have appeared
   * since, and logs their rows. Belongs to the origin's thread.
   */
  long newestSeq();

  /** Rows of the change log that are not applied here yet. */
  long pendingChanges();

  /** Makes everything that is committed in the file survive a power loss (fsync of the WAL). */
  void sync();

  /** Calls back, from a thread of the store, whenever somebody else committed to the file. */
  void onCommit(Runnable wake);

  /**
   * Which schema the file has now, as a number that changes with it; empty when no rows are held,
   * so that nobody needs it. Belongs to the applier thread; cheap.
   */
  OptionalLong heldSchema();

  /**
   * How many rows of this file are too large to be sent. Their keys stay pending, and what the
   * order log put under them is not here: nobody can be given it. Thread-safe; cheap.
   */
  default int heldBackRows() {
    return 0;
  }

  /** What the operator should know: tables that are not replicated, held rows. */
  List<String> warnings();

  @Override
  void close();

  /**
   * The keys that one accepted record wrote.
   *
   * @param slot place of the record among the records at its position, from 0
   * @param keyHashes {@link RowImage#keyHash} of each row; handed over, not copied, never changed
   */
  record WriterEntry(long position, int slot, int origin, long file, long[] keyHashes) {}
}
