package dev.marmot.node.simulation;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The tables of the simulated applications: an integer key, some columns that are UNIQUE (each by
 * itself), and the token of the write that made the row. Immutable.
 */
final class SampleTable {
  static final SampleTable PLAIN = new SampleTable(1, "plain", 4, 0);
  static final SampleTable SINGLE = new SampleTable(2, "single", 3, 1);
  static final SampleTable TWOFOLD = new SampleTable(3, "twofold", 3, 2);

  private static final Map<String, SampleTable> BY_NAME =
      Stream.of(PLAIN, SINGLE, TWOFOLD)
          .collect(Collectors.toMap(table -> table.shape.table(), table -> table));

  /** Every row that may ever exist. */
  static final List<RowKey> KEYS =
      Stream.of(PLAIN, SINGLE, TWOFOLD).flatMap(table -> table.allKeys().stream()).toList();

  private final int number;
  private final TableShape shape;
  private final int keys;
  private final int uniqueColumns;

  private SampleTable(int number, String name, int keys, int uniqueColumns) {
    this.number = number;
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < uniqueColumns; i++) {
      columns.add("u" + i);
    }
    columns.add("token");
    this.shape = new TableShape(name, false, List.of("k"), columns);
    this.keys = keys;
    this.uniqueColumns = uniqueColumns;
  }

  static SampleTable named(String table) {
    return Objects.requireNonNull(BY_NAME.get(table), table);
  }

  static SampleTable of(RowImage image) {
    return named(image.table());
  }

  static RowKey key(RowImage image) {
    return of(image).key(((SqliteValue.Int) image.key().get(0)).value());
  }

  /** The token of the write that made a row; the row must not be a tombstone. */
  static long token(RowImage row) {
    return ((SqliteValue.Int) row.values().get(row.values().size() - 1)).value();
  }

  /** Whether two rows with different keys cannot both be stored. */
  static boolean collide(RowImage one, RowImage other) {
    if (one.tombstone() || other.tombstone() || !one.table().equals(other.table())) {
      return false;
    }
    for (int i = 0; i < of(one).uniqueColumns; i++) {
      SqliteValue value = one.values().get(i);
      if (value != SqliteValue.Null.NULL && value.equals(other.values().get(i))) {
        return true;
      }
    }
    return false;
  }

  /** Whether two rows have the same values in all UNIQUE columns. */
  static boolean sameUniqueValues(RowImage one, RowImage other) {
    int unique = of(one).uniqueColumns;
    return !one.tombstone()
        && !other.tombstone()
        && one.values().subList(0, unique).equals(other.values().subList(0, unique));
  }

  int keys() {
    return keys;
  }

  int uniqueColumns() {
    return uniqueColumns;
  }

  RowKey key(long key) {
    return new RowKey(shape.table(), ByteBuffer.allocate(Long.BYTES).putLong(key).array());
  }

  RowImage row(long key, List<SqliteValue> unique, long token) {
    List<SqliteValue> values = new ArrayList<>(unique);
    values.add(new SqliteValue.Int(token));
    return image(key, List.copyOf(values), false);
  }

  RowImage tombstone(long key) {
    return image(key, List.of(), true);
  }

  static RowImage tombstone(RowKey key) {
    return named(key.table()).tombstone(ByteBuffer.wrap(key.canonical()).getLong());
  }

  static RowImage withOver(RowImage image, boolean over) {
    return new RowImage(
        image.shape(), image.key(), image.values(), image.tombstone(), over, image.keyHash());
  }

  /** A row as one reads it in a report: {@code single/2=[x, 17]}. */
  static String show(RowKey key) {
    return key.table() + "/" + ByteBuffer.wrap(key.canonical()).getLong();
  }

  private RowImage image(long key, List<SqliteValue> values, boolean tombstone) {
    return new RowImage(
        shape, List.of(new SqliteValue.Int(key)), values, tombstone, false, keyHash(key));
  }

  private long keyHash(long key) {
    return number * 0x9E3779B97F4A7C15L + key * 0xC2B2AE3D27D4EB4FL;
  }

  private List<RowKey> allKeys() {
    List<RowKey> all = new ArrayList<>();
    for (int i = 0; i < keys; i++) {
      all.add(key(i));
    }
    return all;
  }

  /** One of the few values over which UNIQUE columns collide. */
  static SqliteValue uniqueValue(int choice) {
    return new SqliteValue.Text(("value" + choice).getBytes(StandardCharsets.UTF_8));
  }
}
