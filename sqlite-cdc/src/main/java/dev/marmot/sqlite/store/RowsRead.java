package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What one apply transaction read under keys that it has not written since. Confined to the applier
 * thread.
 *
 * <p>Nobody else writes while the transaction has the write lock. A write of it changes no row but
 * the one under its key: nothing is replaced (OR ABORT), foreign keys are off, and the only user
 * triggers that run write virtual tables. So a write of a key makes only that key's row unknown.
 */
final class RowsRead {
  private static final int MAX_ROWS = 10_000;
  private static final long MAX_BYTES = 8 << 20;

  private final Map<RowKey, Optional<StoredRow>> rows = new HashMap<>();
  private long bytes;

  /** The row, an empty one when there is none, or null when it is not known. */
  @SuppressWarnings("NullableOptional")
  @Nullable Optional<StoredRow> get(RowKey key) {
    return rows.get(key);
  }

  /** Remembers a row, or that there is none; forgets all others when they are too many. */
  void put(RowKey key, @Nullable StoredRow row) {
    bytes += row == null ? 0 : bytes(row);
    if (rows.size() >= MAX_ROWS || bytes > MAX_BYTES) {
      rows.clear();
      bytes = 0;
      return;
    }
    rows.put(key, Optional.ofNullable(row));
  }

  /** The row under the key is going to change. */
  void forget(RowKey key) {
    if (!rows.isEmpty()) {
      rows.remove(key);
    }
  }

  /** About how much memory the values of a row take. */
  static long bytes(StoredRow row) {
    return bytes(row.key()) + bytes(row.values());
  }

  private static long bytes(List<SqliteValue> values) {
    long size = 0;
    for (SqliteValue value : values) {
      if (value instanceof SqliteValue.Text text) {
        size += text.bytes().length;
      } else if (value instanceof SqliteValue.Blob blob) {
        size += blob.bytes().length;
      }
    }
    return size;
  }
}
