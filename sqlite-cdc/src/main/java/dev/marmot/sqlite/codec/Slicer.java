package dev.marmot.sqlite.codec;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import java.util.ArrayList;
import java.util.List;

/** Cuts the rows of a change set into pieces for the data shards. Pure functions. */
public final class Slicer {
  /** Uncompressed bytes up to which a piece gathers rows; a bigger row is alone in its piece. */
  public static final int PIECE_BYTES = 256 << 10;

  // Per value: tag, length and the message around it. Per row: flags, hash, lengths.
  private static final int VALUE_OVERHEAD = 6;
  private static final int ROW_OVERHEAD = 20;

  private Slicer() {}

  /** The pieces, in order; each is a view of {@code rows}. None for no rows. */
  public static List<List<RowImage>> slice(List<RowImage> rows) {
    return slice(rows, PIECE_BYTES);
  }

  /** The pieces, of about this size instead. */
  public static List<List<RowImage>> slice(List<RowImage> rows, int pieceBytes) {
    List<List<RowImage>> pieces = new ArrayList<>();
    int from = 0;
    long size = 0;
    for (int i = 0; i < rows.size(); i++) {
      long row = rawBytes(rows.get(i));
      if (i > from && size + row > pieceBytes) {
        pieces.add(rows.subList(from, i));
        from = i;
        size = 0;
      }
      size += row;
    }
    if (from < rows.size()) {
      pieces.add(rows.subList(from, rows.size()));
    }
    return pieces;
  }

  /** The same for several rows. */
  public static long rawBytes(List<RowImage> rows) {
    return rows.stream().mapToLong(Slicer::rawBytes).sum();
  }

  /** About how many uncompressed bytes the image takes; never less than its values. */
  public static long rawBytes(RowImage image) {
    return ROW_OVERHEAD + bytes(image.key()) + bytes(image.values());
  }

  private static long bytes(List<SqliteValue> values) {
    long size = 0;
    for (SqliteValue value : values) {
      size += VALUE_OVERHEAD + bytes(value);
    }
    return size;
  }

  private static long bytes(SqliteValue value) {
    if (value instanceof SqliteValue.Text text) {
      return text.bytes().length;
    }
    if (value instanceof SqliteValue.Blob blob) {
      return blob.bytes().length;
    }
    return value instanceof SqliteValue.Null ? 0 : 8;
  }
}
