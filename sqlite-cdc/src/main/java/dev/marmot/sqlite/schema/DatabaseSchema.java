package dev.marmot.sqlite.schema;

import java.util.List;
import java.util.Map;

/**
 * Everything that Marmot knows of a file's schema at one {@code PRAGMA schema_version}. Immutable.
 *
 * @param version the file's schema cookie
 * @param encoding {@code PRAGMA encoding}
 * @param tables replicated tables by name as declared (SQLite compares names without ASCII case)
 * @param refused tables that are not replicated, with the reason and the way out
 */
public record DatabaseSchema(
    long version, String encoding, Map<String, TableSchema> tables, List<RefusedTable> refused) {
  public DatabaseSchema {
    tables = Map.copyOf(tables);
    refused = List.copyOf(refused);
  }

  /** A table that is not replicated. */
  public record RefusedTable(String table, String reason) {}
}
