package dev.marmot.sqlite.store;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Hash of the rows of one table: value by value, with storage class and bits. The columns outside
 * the key count in the order of their names, so that files whose columns stand in another order
 * compare. Immutable.
 */
final class RowHash {
  private static final Hasher128 XXH3 = Hashing.xxh3_128();

  private static final int TEXT = 3;
  private static final int BLOB = 4;

  private final int[] order;

  RowHash(TableSchema table) {
    List<String> columns = table.columns();
    this.order =
        IntStream.range(0, columns.size())
            .boxed()
            .sorted(Comparator.comparing(i -> Sql.fold(columns.get(i))))
            .mapToInt(i -> i)
            .toArray();
  }

  static HashStream128 stream() {
    return XXH3.hashStream();
  }

  /** The columns outside the key as they count. */
  List<String> ordered(List<String> columns) {
    return IntStream.of(order).mapToObj(columns::get).toList();
  }

  /** Adds a value to the hash of a row that is given in pieces. */
  static void append(SqliteValue value, HashStream128 hash) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    append(value, out);
    hash.putBytes(out.toByteArray());
  }

  /** Begins a value whose bytes follow. */
  static void appendLength(boolean text, long bytes, HashStream128 hash) {
    hash.putBytes(eight(text ? TEXT : BLOB, bytes));
  }

  HashValue128 of(List<SqliteValue> key, List<SqliteValue> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (SqliteValue value : key) {
      append(value, out);
    }
    for (int column : order) {
      append(values.get(column), out);
    }
    return XXH3.hashBytesTo128Bits(out.toByteArray());
  }

  private static void append(SqliteValue value, ByteArrayOutputStream out) {
    if (value instanceof SqliteValue.Int integer) {
      out.writeBytes(eight(1, integer.value()));
    } else if (value instanceof SqliteValue.Real real) {
      out.writeBytes(eight(2, Double.doubleToRawLongBits(real.value())));
    } else if (value instanceof SqliteValue.Text text) {
      out.writeBytes(eight(TEXT, text.bytes().length));
      out.writeBytes(text.bytes());
    } else if (value instanceof SqliteValue.Blob blob) {
      out.writeBytes(eight(BLOB, blob.bytes().length));
      out.writeBytes(blob.bytes());
    } else {
      out.write(0);
    }
  }

  private static byte[] eight(int tag, long value) {
    return ByteBuffer.allocate(9).put((byte) tag).putLong(value).array();
  }
}
