package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Content hashes of the replicated tables: equal exactly when the rows are equal, value by value
 * with storage class and bits, in whatever order they stand. Pure functions.
 *
 * <p>The hash of a table is the sum of its rows' hashes with their number, so that no sort is
 * needed: order by key would depend on collations, and rowids of declared keys differ by node.
 */
public final class DatabaseDigest {
  private DatabaseDigest() {}

  /** Digests by table name. The connection is in a read transaction, so that all fit together. */
  static Map<String, String> of(Connection connection, DatabaseSchema schema) throws SQLException {
    Map<String, String> digests = new TreeMap<>();
    for (TableSchema table : schema.tables().values()) {
      digests.put(table.name(), of(connection, table));
    }
    return digests;
  }

  /** Digests of a file that nobody writes to. */
  public static Map<String, String> ofFile(Path file, TablePatterns excluded) throws SQLException {
    try (Connection connection = SqliteSnapshot.connect(file.toAbsolutePath())) {
      return of(connection, new SchemaReader(excluded).read(connection));
    }
  }

  /** Digests of all tables that would replicate, at one moment. The connection is in none. */
  public static Map<String, String> of(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      try {
        return of(connection, new SchemaReader().read(connection));
      } finally {
        statement.execute("ROLLBACK");
      }
    }
  }

  private static String of(Connection connection, TableSchema table) throws SQLException {
    long[] sums = new long[3];
    try (TableScan scan = new TableScan(connection, table)) {
      scan.forEach(
          (row, hash) -> {
            sums[0]++;
            sums[1] += hash.getMostSignificantBits();
            sums[2] += hash.getLeastSignificantBits();
          });
    }
    return String.format(Locale.ROOT, "%d:%016x%016x", sums[0], sums[1], sums[2]);
  }
}
