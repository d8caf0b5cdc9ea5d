package dev.marmot.sqlite;

import java.util.Arrays;

/**
 * Identity of a row on this node: keys that SQLite calls equal (numeric equality, collations) have
 * equal canonical bytes. Immutable; the array must not be changed.
 */
public record RowKey(String table, byte[] canonical) {
  @Override
  public boolean equals(Object other) {
    return other instanceof RowKey key
        && table.equals(key.table)
        && Arrays.equals(canonical, key.canonical);
  }

  @Override
  public int hashCode() {
    return 31 * table.hashCode() + Arrays.hashCode(canonical);
  }
}
