package dev.marmot.sqlite;

import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One apply transaction: rows, position and all bookkeeping become visible together or not at all.
 * Confined to the applier thread. The methods are the primitives of protocol.md §1 "Apply"; which
 * of them to call, and in which order, is the protocol's decision.
 *
 * <p>What concerns one image ({@link #vacate}, {@link #colliders}, {@link #delete}, {@link
 * #parkedColliders}, {@link #park}) throws {@link RowRefusedException} where SQLite refuses it for
 * what the row holds; nothing of that call is done then, and the transaction goes on.
 */
public interface ApplyTransaction extends AutoCloseable {
  /** Identity of the image's row by this node's schema. */
  RowKey key(RowImage image);

  /** Newest change log row of a pending key; empty when the key is not pending. */
  OptionalLong pendingSeq(RowKey key);

  /** The key is no longer pending: the change set that covers it is being applied. */
  void settle(RowKey key);

  /** The stored row with the image's key, in the shape of this node's schema. */
  Optional<RowImage> stored(RowImage image);

  /** Whether writing rows of this table can collide on a secondary UNIQUE index. */
  boolean hasUniqueIndexes(String table);

  /** Whether rows of this table are best written after all others of their change set. */
  default boolean isWrittenLast(String table) {
    return false;
  }

  /**
   * Makes room inside a change set (sqlite.md 45): removes the stored row with the image's key if
   * its unique columns are going to change, and remembers its rowid for the {@link #write} that
   * follows.
   */
  void vacate(RowImage image);

  /** Stored rows with another key that collide with the image on a secondary UNIQUE index. */
  List<RowImage> colliders(RowImage image);

  /**
   * Writes the image, whatever stands under its key. It must not collide (see {@link #colliders}).
   */
  WriteResult write(RowImage image);

  /** Removes the row with the image's key, if there is one. */
  void delete(RowImage image);

  /** The parked image of a key. */
  Optional<Parked> parked(RowKey key);

  /**
   * The keys of all parked images, to look at one after the other: nobody knows how large they are
   * together. Usually none.
   */
  List<RowKey> parkedKeys();

  /** All parked images at once. */
  default List<Parked> parked() {
    return parkedKeys().stream().map(key -> parked(key).orElseThrow()).toList();
  }

  /** Parked images with another key that collide with the image. */
  List<Parked> parkedColliders(RowImage image);

  /** Keeps an image aside that collides with a pending local row; replaces an earlier one. */
  void park(RowImage image, int origin);

  void unpark(RowKey key);

  /**
   * What the order log put under a pending key, a tombstone when it has no row there; empty when
   * that is not known.
   */
  Optional<RowImage> hidden(RowKey key);

  /** Hidden images with another key that collide with the image. */
  List<RowImage> hiddenColliders(RowImage image);

  /** The order log puts this image, or tombstone, under its key, which is pending. */
  void hide(RowImage image);

  /** The key is not pending any more. */
  void unhide(RowKey key);

  /** Marks that a foreign image was kept away from this pending or parked key. */
  void skip(RowKey key);

  void unskip(RowKey key);

  /**
   * Keeps an image that this node cannot store, with the reason; replaces an earlier one. A row
   * that {@link #vacate} removed for it comes back.
   */
  void hold(RowImage image, int origin, String reason);

  /** The held image of the image's row. Held rows are told apart by {@link RowImage#keyHash}. */
  Optional<Held> held(RowImage image);

  /** Held images that came before this one, at most so many, the newest first. */
  List<Held> heldBefore(long id, int limit);

  /** A newer image of the row is here, or the held one is stored: nothing is held for it. */
  void unhold(RowImage image);

  /** A held image cannot be stored yet; now for this reason. */
  void stillHeld(RowImage image, String reason);

  /** Adds to the conflict log, unless it is there. */
  void conflict(Conflict conflict);

  /** Deletes change log rows up to this one; the newest row of the log is always kept. */
  void trimChangeLog(long maxSeq);

  void last(int origin, LastApplied last);

  void minEpoch(int origin, long epoch);

  void addWriters(WriterEntry entry);

  /** Forgets writer entries below this position. */
  void windowStart(long position);

  void position(long term, long index);

  /** {@link System#nanoTime} of when the write lock was taken; waiting for it came before. */
  long lockedNanos();

  /** Commits. The transaction is over. */
  void commit();

  /** Rolls back unless committed. */
  @Override
  void close();

  /** A parked image and the node that wrote it. */
  record Parked(RowKey key, RowImage image, int origin) {}

  /**
   * An image that this node cannot store, and the node that wrote it.
   *
   * @param id larger for those that came later
   */
  record Held(long id, RowImage image, int origin, String reason) {}

  /** What became of a write. */
  sealed interface WriteResult {
    /** The row is stored. */
    enum Stored implements WriteResult {
      STORED
    }

    /** The row is not stored, the transaction goes on. */
    record Refused(String reason) implements WriteResult {}
  }
}
