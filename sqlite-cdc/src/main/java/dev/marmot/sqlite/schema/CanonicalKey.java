package dev.marmot.sqlite.schema;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * One table's keys in the form in which keys that SQLite calls equal are equal byte for byte, and
 * others differ. Immutable.
 *
 * <p>Each value is a tag and a self-delimiting form. An integral REAL becomes the INTEGER that it
 * equals (so -0.0 is 0, and 2^53+1 differs from 2^53 as it does in SQLite). Text follows the
 * collation of the key's index: NOCASE folds ASCII up to the first NUL and then only compares
 * lengths; RTRIM drops trailing spaces. Both are defined on UTF-8, so SQLite converts the text of
 * UTF-16 files first, and so does this.
 */
public final class CanonicalKey {
  private static final Hasher64 XXH3 = Hashing.xxh3_64();
  private static final byte NULL = 0;
  private static final byte INTEGER = 1;
  private static final byte REAL = 2;
  private static final byte TEXT = 3;
  private static final byte BLOB = 4;
  private static final double TWO_63 = 0x1p63;

  private final byte[] hashPrefix;
  private final Collation[] collations;
  private final Encoding encoding;

  /**
   * Prepares for the keys of one table.
   *
   * @param encoding {@code PRAGMA encoding} of the file
   */
  public CanonicalKey(TableSchema table, String encoding) {
    this.hashPrefix = hashPrefix(table.name());
    this.collations =
        table.key().stream()
            .map(KeyColumn::collation)
            .map(name -> Collation.valueOf(name.toUpperCase(Locale.ROOT)))
            .toArray(Collation[]::new);
    this.encoding = Encoding.of(encoding);
  }

  /** The canonical bytes of a key. */
  public byte[] encode(List<SqliteValue> key) {
    if (key.size() == 1) {
      return encode(0, key.get(0));
    }
    byte[][] parts = new byte[key.size()][];
    int length = 0;
    for (int i = 0; i < parts.length; i++) {
      parts[i] = encode(i, key.get(i));
      length += parts[i].length;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** XXH3 (64 bits) of the table's name, without ASCII case, and the canonical key. */
  public long keyHash(byte[] canonical) {
    return keyHash(hashPrefix, canonical);
  }

  /** {@link #keyHash(byte[])} for a table of which only the name is at hand. */
  public static long keyHash(String table, byte[] canonical) {
    return keyHash(hashPrefix(table), canonical);
  }

  private static long keyHash(byte[] prefix, byte[] canonical) {
    byte[] both = Arrays.copyOf(prefix, prefix.length + canonical.length);
    System.arraycopy(canonical, 0, both, prefix.length, canonical.length);
    return XXH3.hashBytesToLong(both);
  }

  private static byte[] hashPrefix(String table) {
    byte[] name = Sql.fold(table).getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(name.length + 4).putInt(name.length).put(name).array();
  }

  private byte[] encode(int column, SqliteValue value) {
    if (value instanceof SqliteValue.Int integer) {
      return eight(INTEGER, integer.value());
    }
    if (value instanceof SqliteValue.Real real) {
      return real(real.value());
    }
    if (value instanceof SqliteValue.Text text) {
      // The rowid can only be an integer, but a foreign image may bring anything.
      return text(column < collations.length ? collations[column] : Collation.BINARY, text.bytes());
    }
    if (value instanceof SqliteValue.Blob blob) {
      return bytes(BLOB, blob.bytes().length, blob.bytes(), blob.bytes().length);
    }
    return new byte[] {NULL};
  }

  private static byte[] real(double value) {
    if (value >= -TWO_63 && value < TWO_63 && value == Math.rint(value)) {
      return eight(INTEGER, (long) value);
    }
    return eight(REAL, Double.doubleToRawLongBits(value));
  }

  private static byte[] eight(byte tag, long value) {
    byte[] out = new byte[9];
    out[0] = tag;
    for (int i = 8; i > 0; i--) {
      out[i] = (byte) value;
      value >>>= 8;
    }
    return out;
  }

  private byte[] text(Collation collation, byte[] raw) {
    if (collation == Collation.BINARY) {
      return bytes(TEXT, raw.length, raw, raw.length);
    }
    byte[] utf8 = encoding == Encoding.UTF_8 ? raw : Utf16.toUtf8(raw, encoding);
    if (collation == Collation.RTRIM) {
      int end = utf8.length;
      while (end > 0 && utf8[end - 1] == ' ') {
        end--;
      }
      return bytes(TEXT, end, utf8, end);
    }
    int end = 0;
    while (end < utf8.length && utf8[end] != 0) {
      end++;
    }
    byte[] out = bytes(TEXT, utf8.length, utf8, end);
    for (int i = 5; i < out.length; i++) {
      if (out[i] >= 'A' && out[i] <= 'Z') {
        out[i] = (byte) (out[i] + ('a' - 'A'));
      }
    }
    return out;
  }

  /** A NOCASE text that ends before its length ends with its NUL, so the form delimits itself. */
  private static byte[] bytes(byte tag, int length, byte[] content, int used) {
    int extra = used < length ? 1 : 0;
    return ByteBuffer.allocate(5 + used + extra)
        .put(tag)
        .putInt(length)
        .put(content, 0, used)
        .array();
  }

  private enum Collation {
    BINARY,
    NOCASE,
    RTRIM
  }

  /** The three encodings of a SQLite file. */
  enum Encoding {
    UTF_8,
    UTF_16LE,
    UTF_16BE;

    static Encoding of(String pragma) {
      return switch (pragma) {
        case "UTF-16le" -> UTF_16LE;
        case "UTF-16be" -> UTF_16BE;
        default -> UTF_8;
      };
    }
  }
}
