package dev.marmot.sqlite.store;

import java.util.List;

/**
 * What one table held at one moment, to compare files by. Immutable.
 *
 * @param table its name in lower case (ASCII)
 * @param rows rows that replicate; those whose key holds a NULL do not
 * @param hash of those rows, value by value with storage class and bits, in any order
 * @param columns names in lower case, sorted
 */
public record TableContent(String table, long rows, String hash, List<String> columns) {
  public TableContent {
    columns = List.copyOf(columns);
  }
}
