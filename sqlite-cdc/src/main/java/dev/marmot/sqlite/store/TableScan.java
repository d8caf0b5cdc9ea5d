package dev.marmot.sqlite.store;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashValue128;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * All rows of a table with their hashes, in no order. Large values are hashed in slices, so a row
 * of any size takes little memory here. Confined to the thread of its connection.
 */
final class TableScan implements AutoCloseable {
  static final int SLICE_BYTES = 1 << 20;
  private static final int MOST_SLICE_BYTES = 16 << 20;
  private static final int FEW_SLICES = 16;

  private final Connection connection;
  private final TableSchema table;
  private final int sliceBytes;
  private final TableReader reader;
  private final RowHash rowHash;

  TableScan(Connection connection, TableSchema table) {
    this(connection, table, SLICE_BYTES);
  }

  TableScan(Connection connection, TableSchema table, int sliceBytes) {
    this.connection = connection;
    this.table = table;
    this.sliceBytes = sliceBytes;
    this.reader = new TableReader(connection, table, sliceBytes);
    this.rowHash = new RowHash(table);
  }

  /** Reads the table once. Of a row that is larger than a slice, only the key is given. */
  void forEach(Visitor visitor) throws SQLException {
    try (Query all = new Query(connection, reader.selectAll())) {
      all.forEach(
          row -> {
            StoredRow stored = reader.read(row);
            visitor.visit(stored, hash(stored));
          });
    }
  }

  HashValue128 hash(StoredRow row) throws SQLException {
    return row.whole() ? rowHash.of(row.key(), row.values()) : inSlices(row);
  }

  private HashValue128 inSlices(StoredRow row) throws SQLException {
    HashStream128 hash = RowHash.stream();
    for (String name : TableReader.keyNames(table)) {
      append(row, name, hash);
    }
    for (String name : rowHash.ordered(table.columns())) {
      append(row, name, hash);
    }
    return hash.get();
  }

  private void append(StoredRow row, String name, HashStream128 hash) throws SQLException {
    String column = "t." + Sql.quote(name);
    boolean[] text = {false};
    long[] bytes = {0};
    query(
        "SELECT typeof(%1$s)='text',CASE WHEN typeof(%1$s) IN ('text','blob') THEN octet_length(%1$s) ELSE -1 END"
            .formatted(column),
        "",
        row,
        found -> {
          text[0] = found.number(0) != 0;
          bytes[0] = found.number(1);
        });
    if (bytes[0] <= sliceBytes) {
      query("SELECT " + column, "", row, v -> RowHash.append(v.values(0, 1).get(0), hash));
      return;
    }
    RowHash.appendLength(text[0], bytes[0], hash);
    // SQLite loads the whole value, outside the heap, for each slice: few slices of a large one.
    long slice = Math.max(sliceBytes, Math.min(MOST_SLICE_BYTES, bytes[0] / FEW_SLICES));
    query(
        ("WITH RECURSIVE __marmot_s(__marmot_i) AS (SELECT 1 UNION ALL SELECT __marmot_i+%2$d"
                + " FROM __marmot_s WHERE __marmot_i+%2$d<=%3$d)"
                + " SELECT substr(CAST(%1$s AS BLOB),__marmot_s.__marmot_i,%2$d)")
            .formatted(column, slice, bytes[0]),
        " CROSS JOIN __marmot_s",
        row,
        part -> hash.putBytes(part.bytes(0)));
  }

  private void query(String select, String join, StoredRow row, Query.RowAction action)
      throws SQLException {
    String from = select + " FROM main." + Sql.quote(table.name()) + " AS t" + join + " WHERE ";
    List<SqliteValue> identity =
        switch (table.keyKind()) {
          case DECLARED -> List.of(new SqliteValue.Int(row.rowid()));
          case ROWID, ROWID_ALIAS, WITHOUT_ROWID -> row.key();
        };
    try (CastQuery query =
        new CastQuery(
            connection,
            p ->
                from
                    + switch (table.keyKind()) {
                      case DECLARED -> "t." + Sql.quote(table.rowidName().orElseThrow()) + "=?1";
                      case ROWID, ROWID_ALIAS, WITHOUT_ROWID -> TableReader.keyCondition(table, p);
                    })) {
      query.bind(identity).forEach(action);
    }
  }

  @Override
  public void close() throws SQLException {
    reader.close();
  }

  /** Looks at one row. */
  interface Visitor {
    void visit(StoredRow row, HashValue128 hash) throws SQLException;
  }
}
