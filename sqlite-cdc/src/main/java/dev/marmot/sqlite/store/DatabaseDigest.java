package dev.marmot.sqlite.store;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TableSchema;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
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
  private static final Hasher128 XXH3 = Hashing.xxh3_128();

  private DatabaseDigest() {}

  /** Digests by table name. The connection is in a read transaction, so that all fit together. */
  static Map<String, String> of(Connection connection, DatabaseSchema schema) throws SQLException {
    Map<String, String> digests = new TreeMap<>();
    for (TableSchema table : schema.tables().values()) {
      digests.put(table.name(), of(connection, table));
    }
    return digests;
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
    int columns = TableReader.keyArity(table) + table.columns().size();
    long[] sums = new long[3];
    try (Query query = new Query(connection, TableReader.selectAll(table))) {
      query.forEach(
          row -> {
            HashValue128 hash = XXH3.hashBytesTo128Bits(bytes(row.values(0, columns)));
            sums[0]++;
            sums[1] += hash.getMostSignificantBits();
            sums[2] += hash.getLeastSignificantBits();
          });
    }
    return String.format(Locale.ROOT, "%d:%016x%016x", sums[0], sums[1], sums[2]);
  }

  private static byte[] bytes(List<SqliteValue> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (SqliteValue value : values) {
      if (value instanceof SqliteValue.Int integer) {
        out.writeBytes(eight(1, integer.value()));
      } else if (value instanceof SqliteValue.Real real) {
        out.writeBytes(eight(2, Double.doubleToRawLongBits(real.value())));
      } else if (value instanceof SqliteValue.Text text) {
        out.writeBytes(eight(3, text.bytes().length));
        out.writeBytes(text.bytes());
      } else if (value instanceof SqliteValue.Blob blob) {
        out.writeBytes(eight(4, blob.bytes().length));
        out.writeBytes(blob.bytes());
      } else {
        out.write(0);
      }
    }
    return out.toByteArray();
  }

  private static byte[] eight(int tag, long value) {
    return ByteBuffer.allocate(9).put((byte) tag).putLong(value).array();
  }
}
