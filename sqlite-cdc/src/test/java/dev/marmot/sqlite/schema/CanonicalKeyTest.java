package dev.marmot.sqlite.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CanonicalKeyTest {
  private static final double[] REALS = {
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.5,
    0x1p53,
    0x1p53 + 2,
    0x1p63,
    -0x1p63,
    0x1p62,
    1e300,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.MIN_VALUE
  };
  private static final long[] INTEGERS = {
    0, 1, -1, (1L << 53), (1L << 53) + 1, (1L << 53) + 2, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 62
  };

  /** SQLite itself says which keys are equal; the canonical bytes must say the same. */
  @ParameterizedTest
  @CsvSource({
    "UTF-8,BINARY", "UTF-8,NOCASE", "UTF-8,RTRIM",
    "UTF-16le,BINARY", "UTF-16le,NOCASE", "UTF-16le,RTRIM",
    "UTF-16be,BINARY", "UTF-16be,NOCASE", "UTF-16be,RTRIM"
  })
  void encode_equalExactlyWhereSqliteSaysEqual(String encoding, String collation)
      throws SQLException {
    SplittableRandom random =
        new SplittableRandom(encoding.hashCode() * 31L + collation.hashCode());
    CanonicalKey canonical = new CanonicalKey(table(collation), encoding);
    int equal = 0;
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite::memory:")) {
      try (var statement = connection.createStatement()) {
        statement.execute("PRAGMA encoding='" + encoding + "'");
        statement.execute("CREATE TABLE t(a, b)");
      }
      try (PreparedStatement compare =
          connection.prepareStatement("SELECT (a COLLATE " + collation + ")=b FROM t")) {
        for (int i = 0; i < 3000; i++) {
          SqliteValue a = value(random, encoding);
          SqliteValue b = random.nextInt(3) == 0 ? variant(random, a) : value(random, encoding);
          boolean same = sqliteEqual(connection, compare, a, b);
          equal += same ? 1 : 0;
          assertThat(Arrays.equals(canonical.encode(List.of(a)), canonical.encode(List.of(b))))
              .as("%s and %s", show(a), show(b))
              .isEqualTo(same);
        }
      }
    }
    assertThat(equal).isGreaterThan(200);
  }

  @Test
  void encode_compositeKeysDelimitThemselves() {
    CanonicalKey canonical = new CanonicalKey(table("NOCASE"), "UTF-8");
    List<SqliteValue> parts =
        List.of(
            text(""),
            text("a"),
            text("\0"),
            text("a\0b"),
            text("aa"),
            blob("a"),
            new SqliteValue.Int(3),
            SqliteValue.Null.NULL);
    for (SqliteValue a : parts) {
      for (SqliteValue b : parts) {
        for (SqliteValue c : parts) {
          for (SqliteValue d : parts) {
            boolean same = a.equals(c) && b.equals(d);
            assertThat(
                    Arrays.equals(canonical.encode(List.of(a, b)), canonical.encode(List.of(c, d))))
                .isEqualTo(same);
          }
        }
      }
    }
  }

  @Test
  void keyHash_isTheSameOnEveryNodeAndDependsOnTable() {
    byte[] key = new CanonicalKey(table("BINARY"), "UTF-8").encode(List.of(new SqliteValue.Int(7)));
    long hash = new CanonicalKey(table("BINARY"), "UTF-8").keyHash(key);
    assertThat(hash).isEqualTo(CanonicalKey.keyHash("T", key));
    assertThat(hash).isNotEqualTo(CanonicalKey.keyHash("u", key));
    // A fixed value: the hash travels between versions of Marmot.
    assertThat(hash).isEqualTo(2050322785888142105L);
  }

  private static SqliteValue value(SplittableRandom random, String encoding) {
    return switch (random.nextInt(6)) {
      case 0 -> new SqliteValue.Int(INTEGERS[random.nextInt(INTEGERS.length)]);
      case 1 -> new SqliteValue.Real(REALS[random.nextInt(REALS.length)]);
      case 2 -> new SqliteValue.Blob(bytes(random, 2));
      default -> new SqliteValue.Text(letters(random, encoding));
    };
  }

  private static byte[] letters(SplittableRandom random, String encoding) {
    if (random.nextInt(8) == 0) {
      return bytes(random, encoding.equals("UTF-8") ? 3 : 6);
    }
    String[] alphabet = {"a", "A", " ", "\0", "b", "B", "ä", "Ä", "\uD83D\uDE00", "["};
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(4); n > 0; n--) {
      text.append(alphabet[random.nextInt(alphabet.length)]);
    }
    return text.toString()
        .getBytes(
            switch (encoding) {
              case "UTF-16le" -> StandardCharsets.UTF_16LE;
              case "UTF-16be" -> StandardCharsets.UTF_16BE;
              default -> StandardCharsets.UTF_8;
            });
  }

  private static byte[] bytes(SplittableRandom random, int most) {
    byte[] bytes = new byte[random.nextInt(most + 1) & ~(most > 3 ? 1 : 0)];
    byte[] from = {'a', 'A', ' ', 0, (byte) 0xD8, (byte) 0xDC, (byte) 0xC3, (byte) 0xFF};
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = from[random.nextInt(from.length)];
    }
    return bytes;
  }

  /** Another value that has a chance to be equal. */
  private static SqliteValue variant(SplittableRandom random, SqliteValue value) {
    if (value instanceof SqliteValue.Int integer) {
      return new SqliteValue.Real((double) integer.value());
    }
    if (value instanceof SqliteValue.Text text) {
      byte[] bytes = text.bytes().clone();
      for (int i = 0; i < bytes.length; i++) {
        if (random.nextBoolean() && (bytes[i] | 0x20) == 'a') {
          bytes[i] = (byte) (bytes[i] ^ 0x20);
        }
      }
      return new SqliteValue.Text(bytes);
    }
    return value;
  }

  private static boolean sqliteEqual(
      Connection connection, PreparedStatement compare, SqliteValue a, SqliteValue b)
      throws SQLException {
    try (var clear = connection.createStatement()) {
      clear.execute("DELETE FROM t");
    }
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO t VALUES(" + parameter(a) + "," + parameter(b) + ")")) {
      bind(insert, 1, a);
      bind(insert, 2, b);
      insert.execute();
    }
    try (ResultSet rows = compare.executeQuery()) {
      return rows.next() && rows.getInt(1) == 1;
    }
  }

  private static String parameter(SqliteValue value) {
    return value instanceof SqliteValue.Text ? "CAST(? AS TEXT)" : "?";
  }

  private static void bind(PreparedStatement insert, int at, SqliteValue value)
      throws SQLException {
    if (value instanceof SqliteValue.Int integer) {
      insert.setLong(at, integer.value());
    } else if (value instanceof SqliteValue.Real real) {
      insert.setDouble(at, real.value());
    } else if (value instanceof SqliteValue.Text text) {
      insert.setBytes(at, text.bytes());
    } else if (value instanceof SqliteValue.Blob blob) {
      insert.setBytes(at, blob.bytes());
    }
  }

  private static String show(SqliteValue value) {
    return value instanceof SqliteValue.Text text
        ? "Text" + Arrays.toString(text.bytes())
        : value.toString();
  }

  private static SqliteValue text(String text) {
    return new SqliteValue.Text(text.getBytes(StandardCharsets.UTF_8));
  }

  private static SqliteValue blob(String text) {
    return new SqliteValue.Blob(text.getBytes(StandardCharsets.UTF_8));
  }

  private static TableSchema table(String collation) {
    List<KeyColumn> key = new ArrayList<>();
    key.add(new KeyColumn("a", collation));
    key.add(new KeyColumn("b", collation));
    return new TableSchema(
        1,
        "t",
        KeyKind.DECLARED,
        key,
        Optional.of("rowid"),
        List.of(),
        List.of(),
        List.of(),
        false);
  }
}
