package dev.marmot.sqlite;

import java.util.List;

/**
 * The columns of a row image, as its origin named them. Immutable; shared by the images of a table.
 *
 * @param rowidKey the table declares no key: the key is the rowid and {@code keyColumns} is empty
 * @param keyColumns in key order
 * @param columns stored columns outside the key, in table order; generated columns are left out
 */
public record TableShape(
    String table, boolean rowidKey, List<String> keyColumns, List<String> columns) {
  public TableShape {
    keyColumns = List.copyOf(keyColumns);
    columns = List.copyOf(columns);
  }
}
