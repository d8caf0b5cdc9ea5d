package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads rows of one table by key. Confined to the thread of its connection. */
final class TableReader implements AutoCloseable {
  /**
   * Most bytes of a key. Keys are kept in lists, maps and the change log, so a larger one is read
   * as NULL: it identifies no row, and its row does not travel.
   */
  static final int MOST_KEY_BYTES = 1 << 20;

  private final TableSchema schema;
  private final long mostBytes;
  private final int keys;
  private final CastQuery find;

  /**
   * @param mostBytes rows with more bytes are not read: only their key and their size are known
   */
  TableReader(Connection connection, TableSchema schema, long mostBytes) {
    this.schema = schema;
    this.mostBytes = mostBytes;
    this.keys = keyArity(schema);
    this.find =
        new CastQuery(
            connection, p -> selectAll(schema, mostBytes) + " WHERE " + keyCondition(schema, p));
  }

  /** How many values identify a row. */
  static int keyArity(TableSchema schema) {
    return schema.keyKind() == KeyKind.ROWID ? 1 : schema.key().size();
  }

  /** The rows of a table as {@link #read} wants them. */
  String selectAll() {
    return selectAll(schema, mostBytes);
  }

  /**
   * The text that reads the key, the other columns, the row's size, and the rowid where it is not
   * the key. SQLite tells the size of a value without reading it, and so does not even load what is
   * too large.
   */
  private static String selectAll(TableSchema schema, long mostBytes) {
    List<String> columns = new ArrayList<>();
    boolean rowidKey = schema.keyKind() == KeyKind.ROWID || schema.keyKind() == KeyKind.ROWID_ALIAS;
    for (String key : keyNames(schema)) {
      columns.add(rowidKey ? column(schema, key) : bounded(schema, key, MOST_KEY_BYTES));
    }
    schema.columns().forEach(name -> columns.add(bounded(schema, name, mostBytes)));
    List<String> sizes =
        Stream.concat(
                rowidKey ? Stream.empty() : keyNames(schema).stream(), schema.columns().stream())
            .map(name -> "ifnull(octet_length(" + column(schema, name) + "),0)")
            .toList();
    columns.add(sizes.isEmpty() ? "0" : sum(sizes));
    if (schema.keyKind() == KeyKind.DECLARED) {
      columns.add(column(schema, schema.rowidName().orElseThrow()));
    }
    return "SELECT " + String.join(",", columns) + " FROM main." + Sql.quote(schema.name());
  }

  /** No alias stands for the table: the condition of a partial index may name it. */
  private static String column(TableSchema schema, String name) {
    return Sql.quote(schema.name()) + "." + Sql.quote(name);
  }

  private static String bounded(TableSchema schema, String name, long mostBytes) {
    return "CASE WHEN octet_length(%1$s)>%2$d THEN NULL ELSE %1$s END"
        .formatted(column(schema, name), mostBytes);
  }

  /** As a balanced tree: SQLite bounds the depth of an expression. */
  private static String sum(List<String> terms) {
    int half = terms.size() / 2;
    return terms.size() == 1
        ? terms.get(0)
        : "(" + sum(terms.subList(0, half)) + "+" + sum(terms.subList(half, terms.size())) + ")";
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
    long bytes = row.number(keys + columns);
    long rowid = schema.keyKind() == KeyKind.DECLARED ? row.number(keys + columns + 1) : 0;
    List<SqliteValue> key = row.values(0, keys);
    return bytes > mostBytes
        ? new StoredRow(key, List.of(), rowid, bytes)
        : new StoredRow(key, row.values(keys, columns), rowid, 0);
  }

  @Override
  public void close() throws SQLException {
    find.close();
  }

  /**
   * A row as it stands in the table; the rowid only where it is not the key. Immutable.
   *
   * @param tooLarge its size in bytes when that is why its values were not read; else 0
   */
  record StoredRow(List<SqliteValue> key, List<SqliteValue> values, long rowid, long tooLarge) {
    StoredRow(List<SqliteValue> key, List<SqliteValue> values, long rowid) {
      this(key, values, rowid, 0);
    }

    /** Whether the values are here. */
    boolean whole() {
      return tooLarge == 0;
    }

    /** The row as an image; of one that is too large only the key. */
    RowImage image(TableShape shape, long keyHash) {
      TableShape known =
          whole()
              ? shape
              : new TableShape(shape.table(), shape.rowidKey(), shape.keyColumns(), List.of());
      return new RowImage(known, key, values, false, false, keyHash);
    }
  }
}
