package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import dev.marmot.sqlite.schema.Sql;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How images of one shape fit the present table: columns are matched by name. Immutable.
 *
 * <p>A source is a place in the image's key values followed by its other values.
 */
final class Mapping {
  private static final int NONE = -1;

  private final boolean identical;
  private final int imageKeys;
  private final int[] keySources;
  private final int[] columnSources;
  private final Optional<String> problem;

  private Mapping(
      boolean identical,
      int imageKeys,
      int[] keySources,
      int[] columnSources,
      Optional<String> problem) {
    this.identical = identical;
    this.imageKeys = imageKeys;
    this.keySources = keySources;
    this.columnSources = columnSources;
    this.problem = problem;
  }

  static Mapping of(TableShape image, TableShape present) {
    Map<String, Integer> sources = new HashMap<>();
    List<String> names = new ArrayList<>(image.keyColumns());
    int imageKeys = image.rowidKey() ? 1 : names.size();
    for (int i = 0; i < names.size(); i++) {
      sources.put(Sql.fold(names.get(i)), i);
    }
    for (int i = 0; i < image.columns().size(); i++) {
      sources.put(Sql.fold(image.columns().get(i)), imageKeys + i);
      names.add(image.columns().get(i));
    }
    int[] keySources = image.rowidKey() ? new int[] {0} : sources(present.keyColumns(), sources);
    int[] columnSources = sources(present.columns(), sources);
    return new Mapping(
        image.equals(present),
        imageKeys,
        keySources,
        columnSources,
        problem(image, present, names, keySources));
  }

  private static int[] sources(List<String> columns, Map<String, Integer> sources) {
    return columns.stream().mapToInt(c -> sources.getOrDefault(Sql.fold(c), NONE)).toArray();
  }

  private static Optional<String> problem(
      TableShape image, TableShape present, List<String> names, int[] keySources) {
    if (image.rowidKey() != present.rowidKey()
        || Arrays.stream(keySources).anyMatch(source -> source == NONE)) {
      return Optional.of("the table has another primary key than the row that came");
    }
    List<String> known = new ArrayList<>();
    present.keyColumns().forEach(name -> known.add(Sql.fold(name)));
    present.columns().forEach(name -> known.add(Sql.fold(name)));
    return names.stream()
        .filter(name -> !known.contains(Sql.fold(name)))
        .findFirst()
        .map(name -> "the table has no column " + name);
  }

  /** Why images of this shape cannot be stored. */
  Optional<String> problem() {
    return problem;
  }

  /** Whether the image gives every column of the present table. */
  boolean complete() {
    return Arrays.stream(columnSources).noneMatch(source -> source == NONE);
  }

  boolean gives(int column) {
    return columnSources[column] != NONE;
  }

  /** Values of the present key columns; absent when the image does not carry them all. */
  Optional<List<SqliteValue>> key(RowImage image) {
    if (identical) {
      return Optional.of(image.key());
    }
    SqliteValue[] key = new SqliteValue[keySources.length];
    for (int i = 0; i < key.length; i++) {
      SqliteValue value = value(image, keySources[i]);
      if (value == null) {
        return Optional.empty();
      }
      key[i] = value;
    }
    return Optional.of(List.of(key));
  }

  /** Value of a present column outside the key; null when the image does not have it. */
  @Nullable SqliteValue column(RowImage image, int column) {
    return identical ? image.values().get(column) : value(image, columnSources[column]);
  }

  private @Nullable SqliteValue value(RowImage image, int source) {
    if (source == NONE) {
      return null;
    }
    if (source < imageKeys) {
      return image.key().get(source);
    }
    return image.tombstone() ? null : image.values().get(source - imageKeys);
  }
}
