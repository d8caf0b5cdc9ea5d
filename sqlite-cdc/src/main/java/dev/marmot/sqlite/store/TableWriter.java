package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import dev.marmot.sqlite.store.UniqueProbe.Place;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Writes rows of one table, each by its key. Confined to the applier thread. */
final class TableWriter implements AutoCloseable {
  private final Connection connection;
  private final TableSchema schema;
  private final TableShape shape;
  private final CanonicalKey keys;
  private final TableReader reader;
  private final List<UniqueProbe> probes = new ArrayList<>();
  private final int[] uniqueColumns;
  private final int[] uniqueKeyParts;
  private final CastQuery delete;
  private final CastQuery insertWithRowid;
  private final boolean replaces;
  private final TriggerSuspension triggers;
  private final Map<TableShape, Shaped> shapes = new HashMap<>();
  private @Nullable Shaped lastShaped;
  private @Nullable TableShape lastShape;

  /**
   * @param mostBytes stored rows with more bytes are not read
   * @param triggers those of the application
   */
  TableWriter(
      Connection connection,
      TableSchema schema,
      String encoding,
      long mostBytes,
      TriggerSuspension triggers)
      throws SQLException {
    this.connection = connection;
    this.schema = schema;
    this.shape = schema.shape();
    this.keys = new CanonicalKey(schema, encoding);
    this.reader = new TableReader(connection, schema, mostBytes);
    Set<String> unique = new HashSet<>();
    if (!schema.uniqueIndexes().isEmpty()) {
      Map<String, Affinity> affinities = Affinity.of(connection, schema.name());
      for (UniqueIndex index : schema.uniqueIndexes()) {
        probes.add(new UniqueProbe(connection, schema, index, affinities, reader));
        index.columns().forEach(column -> unique.add(Sql.fold(column)));
      }
    }
    this.uniqueColumns = positions(schema.columns(), unique);
    this.uniqueKeyParts = positions(schema.key().stream().map(KeyColumn::name).toList(), unique);
    this.delete =
        new CastQuery(
            connection,
            p ->
                "DELETE FROM main."
                    + Sql.quote(schema.name())
                    + " WHERE "
                    + TableReader.keyCondition(schema, p));
    this.insertWithRowid = new CastQuery(connection, this::insertWithRowidSql);
    this.replaces = replaces(schema.userTriggers());
    this.triggers = triggers;
  }

  private static int[] positions(List<String> names, Set<String> folded) {
    return IntStream.range(0, names.size())
        .filter(i -> folded.contains(Sql.fold(names.get(i))))
        .toArray();
  }

  /**
   * Whether a row must be replaced by DELETE and INSERT: triggers that keep a search index see no
   * update when they are only made for those two (sqlite.md 43). Where there is but one of them, a
   * replacement would do to the index what no update of the application does.
   */
  private static boolean replaces(List<UserTrigger> triggers) {
    return triggers.stream()
        .filter(UserTrigger::runsOnReplicas)
        .map(trigger -> TriggerEvent.of(trigger.sql()))
        .collect(Collectors.toSet())
        .equals(Set.of(TriggerEvent.INSERT, TriggerEvent.DELETE));
  }

  TableSchema schema() {
    return schema;
  }

  /** Whether rows cannot be updated one by one: others may hold the values that they get. */
  boolean replacesRows() {
    return replaces || !schema.uniqueIndexes().isEmpty();
  }

  CanonicalKey keys() {
    return keys;
  }

  RowKey rowKey(List<SqliteValue> key) {
    return new RowKey(schema.name(), keys.encode(key));
  }

  /** The key of the image in the columns of this table; absent when it does not carry them. */
  Optional<List<SqliteValue>> key(RowImage image) {
    return shaped(image).mapping.key(image);
  }

  @Nullable StoredRow find(RowImage image) throws SQLException {
    Optional<List<SqliteValue>> key = key(image);
    return key.isEmpty() ? null : reader.find(key.get());
  }

  /** The stored row as an image of this table. */
  RowImage image(StoredRow row, long keyHash) {
    return row.image(shape, keyHash);
  }

  void delete(RowImage image) throws SQLException {
    Optional<List<SqliteValue>> key = key(image);
    if (key.isPresent()) {
      var unused = update(delete, key.get());
    }
  }

  private int update(CastQuery query, List<SqliteValue> values) throws SQLException {
    return triggers.write(schema, () -> query.bind(values).update());
  }

  /**
   * Whether columns differ on which a secondary UNIQUE index depends.
   *
   * @param row a whole one
   */
  boolean changesUniqueColumns(RowImage image, StoredRow row) {
    Mapping mapping = shaped(image).mapping;
    for (int column : uniqueColumns) {
      SqliteValue value = image.tombstone() ? null : mapping.column(image, column);
      if (value != null && !value.equals(row.values().get(column))) {
        return true;
      }
    }
    List<SqliteValue> key = mapping.key(image).orElse(row.key());
    for (int part : uniqueKeyParts) {
      if (!key.get(part).equals(row.key().get(part))) {
        return true;
      }
    }
    return false;
  }

  /**
   * Stored rows that the image collides with on a secondary UNIQUE index; its own row among them.
   */
  List<StoredRow> colliders(RowImage image) throws SQLException {
    List<StoredRow> found = new ArrayList<>();
    for (UniqueProbe probe : probes) {
      Optional<List<SqliteValue>> values = indexed(image, probe);
      if (values.isPresent()) {
        found.addAll(probe.colliders(values.get()));
      }
    }
    return found;
  }

  /** Whether two images of this table exclude each other on a secondary UNIQUE index. */
  boolean collide(RowImage one, RowImage other) throws SQLException {
    for (UniqueProbe probe : probes) {
      Optional<List<SqliteValue>> a = indexed(one, probe);
      Optional<List<SqliteValue>> b = indexed(other, probe);
      if (a.isPresent()
          && b.isPresent()
          && !probe.differ(a.get(), b.get())
          && probe.collide(a.get(), b.get())) {
        return true;
      }
    }
    return false;
  }

  /** The image's values of the columns of an index; what it lacks is taken from its stored row. */
  private Optional<List<SqliteValue>> indexed(RowImage image, UniqueProbe probe)
      throws SQLException {
    if (image.tombstone()) {
      return Optional.empty();
    }
    Mapping mapping = shaped(image).mapping;
    Optional<List<SqliteValue>> key = mapping.key(image);
    List<SqliteValue> values = new ArrayList<>(probe.places().size());
    StoredRow stored = null;
    for (Place place : probe.places()) {
      SqliteValue value = null;
      if (place.key() >= 0) {
        value = key.isPresent() ? key.get().get(place.key()) : null;
      } else if (place.column() >= 0) {
        value = mapping.column(image, place.column());
      }
      if (value == null) {
        stored = stored == null ? find(image) : stored;
        if (stored == null || !stored.whole() || place.column() < 0) {
          return Optional.empty();
        }
        value = stored.values().get(place.column());
      }
      values.add(value);
    }
    return Optional.of(values);
  }

  /**
   * Stores the image.
   *
   * @param vacated the row that stood under the key until this change set made room
   */
  WriteResult write(RowImage image, @Nullable StoredRow vacated) throws SQLException {
    Shaped shaped = shaped(image);
    if (shaped.mapping.problem().isPresent()) {
      return new WriteResult.Refused(shaped.mapping.problem().get());
    }
    if (image.key().contains(SqliteValue.Null.NULL)) {
      return new WriteResult.Refused("a key with a NULL identifies no row");
    }
    StoredRow before = vacated;
    if (before == null && replaces) {
      before = find(image);
      if (before != null && before.whole()) {
        delete(image);
      } else {
        before = null; // too large to be put back, so it is changed in its place
      }
    }
    Optional<String> refusal = tryWrite(image, shaped, before);
    if (refusal.isEmpty()) {
      return WriteResult.Stored.STORED;
    }
    if (before != null) {
      putBack(before);
    }
    return new WriteResult.Refused(refusal.get());
  }

  /** A row that made room stays what it was. Where something else stands now, it cannot. */
  void putBack(StoredRow row) throws SQLException {
    tryInsert(full(row.key(), row.values(), row));
  }

  /** Why the row cannot be stored; empty when it is. */
  private Optional<String> tryWrite(RowImage image, Shaped shaped, @Nullable StoredRow before)
      throws SQLException {
    if (before != null) {
      return tryInsert(completed(image, shaped.mapping, before));
    }
    try {
      return expectOne(update(shaped.upsert, shaped.given(image)));
    } catch (SQLException e) {
      return refusal(e);
    }
  }

  private Optional<String> tryInsert(List<SqliteValue> row) throws SQLException {
    try {
      return expectOne(update(insertWithRowid, row));
    } catch (SQLException e) {
      return refusal(e);
    }
  }

  private static Optional<String> expectOne(int changed) {
    return changed == 1
        ? Optional.empty()
        : Optional.of("the write changed " + changed + " rows instead of one");
  }

  private static Optional<String> refusal(SQLException e) throws SQLException {
    if (Refusal.refusesRow(e)) {
      return Optional.of(Refusal.reason(e));
    }
    throw e;
  }

  /** The image under the rowid of the row that was removed; what it lacks stays as it was. */
  private List<SqliteValue> completed(RowImage image, Mapping mapping, StoredRow before)
      throws SQLException {
    List<SqliteValue> values = new ArrayList<>();
    for (int i = 0; i < schema.columns().size(); i++) {
      SqliteValue value = mapping.column(image, i);
      values.add(value == null ? before.values().get(i) : value);
    }
    return full(mapping.key(image).orElseThrow(), values, before);
  }

  private List<SqliteValue> full(List<SqliteValue> key, List<SqliteValue> values, StoredRow before)
      throws SQLException {
    List<SqliteValue> row = new ArrayList<>(key);
    row.addAll(values);
    if (schema.keyKind() == KeyKind.DECLARED) {
      row.add(
          rowidTaken(before.rowid()) ? SqliteValue.Null.NULL : new SqliteValue.Int(before.rowid()));
    }
    return row;
  }

  /** A new row may have got it meanwhile; rowids of declared keys are this node's own affair. */
  private boolean rowidTaken(long rowid) throws SQLException {
    try (Query query =
        new Query(
            connection,
            "SELECT 1 FROM main."
                + Sql.quote(schema.name())
                + " WHERE "
                + Sql.quote(schema.rowidName().orElseThrow())
                + "=?1")) {
      return query.bind(1, rowid).number(0) == 1;
    }
  }

  private String insertWithRowidSql(Parameters parameters) {
    List<String> columns = new ArrayList<>(TableReader.keyNames(schema));
    columns.addAll(schema.columns());
    if (schema.keyKind() == KeyKind.DECLARED) {
      columns.add(schema.rowidName().orElseThrow());
    }
    return insertSql(columns, parameters);
  }

  private String insertSql(List<String> columns, Parameters parameters) {
    // OR ABORT: a conflict clause in the schema could drop the row silently (sqlite.md 46).
    // The alias: a table may itself be called "excluded".
    return "INSERT OR ABORT INTO main."
        + Sql.quote(schema.name())
        + " AS __marmot_row("
        + quoteAll(columns)
        + ") VALUES("
        + IntStream.rangeClosed(1, columns.size())
            .mapToObj(parameters::at)
            .collect(Collectors.joining(","))
        + ")";
  }

  private static String quoteAll(List<String> names) {
    return names.stream().map(Sql::quote).collect(Collectors.joining(","));
  }

  private String upsertSql(List<String> columns, Parameters parameters) {
    List<String> key = TableReader.keyNames(schema);
    boolean rowid = schema.keyKind() == KeyKind.ROWID || schema.keyKind() == KeyKind.ROWID_ALIAS;
    // A key that is equal need not be identical ('A' and 'a', 1 and 1.0), so it is set, too.
    List<String> set = rowid && columns.size() > 1 ? columns.subList(1, columns.size()) : columns;
    return insertSql(columns, parameters)
        + " ON CONFLICT("
        + quoteAll(key)
        + ") DO UPDATE SET "
        + set.stream()
            .map(c -> Sql.quote(c) + "=excluded." + Sql.quote(c))
            .collect(Collectors.joining(","));
  }

  private Shaped shaped(RowImage image) {
    Shaped shaped = lastShaped;
    if (shaped == null || !Objects.equals(image.shape(), lastShape)) {
      shaped = shapes.computeIfAbsent(image.shape(), Shaped::new);
      lastShaped = shaped;
      lastShape = image.shape();
    }
    return shaped;
  }

  @Override
  public void close() throws SQLException {
    reader.close();
    delete.close();
    insertWithRowid.close();
    for (UniqueProbe probe : probes) {
      probe.close();
    }
    for (Shaped shaped : shapes.values()) {
      shaped.upsert.close();
    }
  }

  /** How images of one shape are written. */
  private final class Shaped {
    private final Mapping mapping;
    private final int[] columns;
    private final CastQuery upsert;

    private Shaped(TableShape imageShape) {
      mapping = Mapping.of(imageShape, shape);
      columns = IntStream.range(0, schema.columns().size()).filter(mapping::gives).toArray();
      List<String> names = new ArrayList<>(TableReader.keyNames(schema));
      for (int column : columns) {
        names.add(schema.columns().get(column));
      }
      upsert = new CastQuery(connection, p -> upsertSql(names, p));
    }

    private List<SqliteValue> given(RowImage image) {
      List<SqliteValue> values = new ArrayList<>(columns.length + image.key().size());
      values.addAll(mapping.key(image).orElseThrow());
      for (int column : columns) {
        SqliteValue value = mapping.column(image, column);
        values.add(value == null ? SqliteValue.Null.NULL : value);
      }
      return values;
    }
  }
}
