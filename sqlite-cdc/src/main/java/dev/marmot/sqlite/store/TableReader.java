package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads rows of one table by key. Confined to the thread of its connection. */
final class TableReader implements AutoCloseable {
  private final TableSchema schema;
  private final int keys;
  private final CastQuery find;

  TableReader(Connection connection, TableSchema schema) {
    this.schema = schema;
    this.keys = keyArity(schema);
    this.find =
        new CastQuery(connection, p -> selectAll(schema) + " WHERE " + keyCondition(schema, p));
  }

  /** How many values identify a row. */
  static int keyArity(TableSchema schema) {
    return schema.keyKind() == KeyKind.ROWID ? 1 : schema.key().size();
  }

  /** The text that reads the key, the other columns, and the rowid where it is not the key. */
  static String selectAll(TableSchema schema) {
    List<String> columns = new ArrayList<>(keyNames(schema));
    columns.addAll(schema.columns());
    if (schema.keyKind() == KeyKind.DECLARED) {
      columns.add(schema.rowidName().orElseThrow());
    }
    // No alias: the condition of a partial index may name the table.
    String table = Sql.quote(schema.name());
    return "SELECT "
        + columns.stream().map(c -> table + "." + Sql.quote(c)).collect(Collectors.joining(","))
        + " FROM main."
        + table;
  }

  /** Names of what identifies a row, the rowid's own name for a rowid key. */
  static List<String> keyNames(TableSchema schema) {
    return schema.keyKind() == KeyKind.ROWID
        ? List.of(schema.rowidName().orElseThrow())
        : schema.key().stream().map(KeyColumn::name).toList();
  }

  /**
   * The condition for one row by its key, parameters from 1. The table's column stands on the left
   * with the collation of the key's index, so that the index decides what is equal (sqlite.md 58,
   * 59).
   */
  static String keyCondition(TableSchema schema, Parameters parameters) {
    if (schema.keyKind() == KeyKind.ROWID) {
      return Sql.quote(schema.rowidName().orElseThrow()) + " = ?1";
    }
    List<String> terms = new ArrayList<>();
    for (KeyColumn column : schema.key()) {
      terms.add(
          Sql.quote(column.name())
              + " COLLATE "
              + Sql.quote(column.collation())
              + " = "
              + parameters.at(terms.size() + 1));
    }
    return String.join(" AND ", terms);
  }

  /** The row with this key, or null. */
  @Nullable StoredRow find(List<SqliteValue> key) throws SQLException {
    StoredRow[] found = new StoredRow[1];
    find.bind(key)
        .whileTrue(
            row -> {
              found[0] = read(row);
              return false;
            });
    return found[0];
  }

  /** The row under the cursor of a query that begins with {@link #selectAll}. */
  StoredRow read(Query.Row row) throws SQLException {
    int columns = schema.columns().size();
    long rowid = schema.keyKind() == KeyKind.DECLARED ? row.number(keys + columns) : 0;
    return new StoredRow(row.values(0, keys), row.values(keys, columns), rowid);
  }

  @Override
  public void close() throws SQLException {
    find.close();
  }

  /** A row as it stands in the table; the rowid only where it is not the key. Immutable. */
  record StoredRow(List<SqliteValue> key, List<SqliteValue> values, long rowid) {}
}
