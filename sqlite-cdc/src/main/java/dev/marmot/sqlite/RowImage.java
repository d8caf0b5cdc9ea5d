package dev.marmot.sqlite;

import java.util.List;

/**
 * The full row at the moment of capture, or a tombstone when there was none. Immutable.
 *
 * @param key values of the key columns (or the rowid), as stored in the row
 * @param values parallel to {@code shape.columns()}; empty for a tombstone
 * @param over the origin had kept a foreign image away from this key (pending or parked), so it has
 *     not seen it: the row counts as concurrent with whatever stands there
 * @param keyHash hash of the table's name and the canonical key, the same on every node
 * @param inserted where it was written, the row was new: its first change since the last capture
 *     was an INSERT. SQLite tells triggers no difference between INSERT and REPLACE of a row
 * @param resent no application wrote it since the last capture: Marmot sends a row that was there
 */
public record RowImage(
    TableShape shape,
    List<SqliteValue> key,
    List<SqliteValue> values,
    boolean tombstone,
    boolean over,
    long keyHash,
    boolean inserted,
    boolean resent) {
  /** An image of a row that was there before, or whose past is not known. */
  public RowImage(
      TableShape shape,
      List<SqliteValue> key,
      List<SqliteValue> values,
      boolean tombstone,
      boolean over,
      long keyHash) {
    this(shape, key, values, tombstone, over, keyHash, false, false);
  }

  public String table() {
    return shape.table();
  }

  /** Whether both stand for the same row content: shape, key, values, tombstone. */
  public boolean sameContent(RowImage other) {
    return tombstone == other.tombstone
        && key.equals(other.key)
        && values.equals(other.values)
        && shape.equals(other.shape);
  }
}
