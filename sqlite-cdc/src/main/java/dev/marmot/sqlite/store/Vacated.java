package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows that made room for others of their change set, kept to be put back if need be. One that is
 * too large, or one too many, stays where it is: at worst it collides with a row of its own change
 * set, and is displaced. Confined to the applier thread.
 */
final class Vacated {
  private static final long MOST_BYTES = 8 << 20;

  private final Map<RowKey, StoredRow> rows = new HashMap<>();
  private long bytes;

  /** Whether a row can be kept. */
  boolean hasRoom(StoredRow row) {
    return row.whole() && bytes < MOST_BYTES;
  }

  void add(RowKey key, StoredRow row) {
    rows.put(key, row);
    bytes += RowsRead.bytes(row);
  }

  /** The row that made room under a key, which is kept no longer. */
  @Nullable StoredRow remove(RowKey key) {
    StoredRow row = rows.remove(key);
    bytes -= row == null ? 0 : RowsRead.bytes(row);
    return row;
  }
}
