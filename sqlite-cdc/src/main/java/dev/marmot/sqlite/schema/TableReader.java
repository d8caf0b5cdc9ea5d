package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads one ordinary table through pragmas. Confined to its caller's thread. */
final class TableReader {
  private static final Set<String> COLLATIONS = Set.of("BINARY", "NOCASE", "RTRIM");

  private final Connection connection;
  private final Catalog catalog;

  TableReader(Connection connection, Catalog catalog) {
    this.connection = connection;
    this.catalog = catalog;
  }

  /** The table without its triggers. */
  TableSchema read(String table) throws SQLException, Refusal {
    List<Column> columns = columns(table);
    List<Index> indexes = indexes(table);
    checkCollations(indexes);
    boolean withoutRowid = catalog.withoutRowid(table);
    Optional<Index> pk = indexes.stream().filter(i -> i.origin().equals("pk")).findFirst();
    Optional<Column> alias = withoutRowid ? Optional.empty() : rowidAlias(columns, pk);
    KeyKind kind = kind(withoutRowid, alias.isPresent(), pk.isPresent());
    List<KeyColumn> key = key(pk, alias);
    Optional<String> rowid = withoutRowid ? Optional.empty() : rowidName(columns, alias);
    if (kind == KeyKind.ROWID && rowid.isEmpty()) {
      throw new Refusal(
          "it declares no primary key, and its columns hide all three names of the rowid"
              + "; rename one of the columns rowid, _rowid_, oid, or declare a primary key");
    }
    UniqueIndexes uniqueIndexes = new UniqueIndexes(catalog, table, columns);
    List<UniqueIndex> unique = new ArrayList<>();
    for (Index index : indexes) {
      if (index.unique() && !index.origin().equals("pk")) {
        unique.add(uniqueIndexes.read(index));
      }
    }
    checkExpressions(table, columns, indexes);
    long id = catalog.hookId(table);
    TableSchema read =
        new TableSchema(
            id,
            table,
            kind,
            key,
            rowid,
            stored(columns, key),
            unique,
            List.of(),
            foreignKeyActions(table));
    if (id == 0 && kind == KeyKind.DECLARED) {
      checkNullKeys(read);
    }
    return read;
  }

  private List<Column> columns(String table) throws SQLException {
    List<Column> columns = new ArrayList<>();
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT name,type,pk,hidden FROM pragma_table_xinfo(?,'main') ORDER BY cid")) {
      query.setString(1, table);
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          columns.add(
              new Column(rows.getString(1), rows.getString(2), rows.getInt(3), rows.getInt(4)));
        }
      }
    }
    return columns;
  }

  /** Whether a change of other rows may change rows of this table. */
  private boolean foreignKeyActions(String table) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT 1 FROM pragma_foreign_key_list(?,'main') WHERE on_update NOT IN"
                + " ('NO ACTION','RESTRICT') OR on_delete NOT IN ('NO ACTION','RESTRICT')")) {
      query.setString(1, table);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next();
      }
    }
  }

  private List<Index> indexes(String table) throws SQLException {
    List<Index> indexes = new ArrayList<>();
    try (PreparedStatement list =
            connection.prepareStatement(
                "SELECT name,\"unique\",origin FROM pragma_index_list(?,'main')");
        PreparedStatement info =
            connection.prepareStatement(
                "SELECT cid,name,coll FROM pragma_index_xinfo(?,'main') WHERE key=1"
                    + " ORDER BY seqno")) {
      list.setString(1, table);
      try (ResultSet rows = list.executeQuery()) {
        while (rows.next()) {
          String name = rows.getString(1);
          if (!Sql.isOwn(name)) {
            indexes.add(new Index(name, rows.getInt(2) != 0, rows.getString(3), parts(info, name)));
          }
        }
      }
    }
    // Names, unlike the pragma's order, stay when other indexes come and go.
    indexes.sort(Comparator.comparing(Index::name));
    return indexes;
  }

  private static List<Part> parts(PreparedStatement info, String index) throws SQLException {
    List<Part> parts = new ArrayList<>();
    info.setString(1, index);
    try (ResultSet rows = info.executeQuery()) {
      while (rows.next()) {
        parts.add(new Part(rows.getInt(1), rows.getString(2), rows.getString(3)));
      }
    }
    return parts;
  }

  private static void checkCollations(List<Index> indexes) throws Refusal {
    for (Index index : indexes) {
      for (Part part : index.parts()) {
        if (!COLLATIONS.contains(Sql.fold(part.collation()).toUpperCase(Locale.ROOT))) {
          throw new Refusal(
              "index "
                  + index.name()
                  + " uses the collation "
                  + part.collation()
                  + " that only the application knows; use BINARY, NOCASE or RTRIM in indexes");
        }
      }
    }
  }

  /** sqlite.org/lang_createtable.html#rowid; an own index shows the exceptions (DESC, INT). */
  private static Optional<Column> rowidAlias(List<Column> columns, Optional<Index> pk) {
    return pk.isPresent()
        ? Optional.empty()
        : columns.stream()
            .filter(c -> c.pk() == 1 && c.type().equalsIgnoreCase("INTEGER"))
            .findFirst();
  }

  private static KeyKind kind(boolean withoutRowid, boolean alias, boolean pk) {
    if (withoutRowid) {
      return KeyKind.WITHOUT_ROWID;
    }
    if (alias) {
      return KeyKind.ROWID_ALIAS;
    }
    return pk ? KeyKind.DECLARED : KeyKind.ROWID;
  }

  private static List<KeyColumn> key(Optional<Index> pk, Optional<Column> alias) {
    return pk.map(
            index ->
                index.parts().stream().map(p -> new KeyColumn(p.name(), p.collation())).toList())
        .orElseGet(
            () -> alias.map(c -> List.of(new KeyColumn(c.name(), "BINARY"))).orElse(List.of()));
  }

  /** With all three names taken, an alias column still names the rowid. */
  private static Optional<String> rowidName(List<Column> columns, Optional<Column> alias) {
    return Stream.of("rowid", "_rowid_", "oid")
        .filter(
            name ->
                columns.stream()
                    .noneMatch(
                        c -> c.name().equalsIgnoreCase(name) && !alias.equals(Optional.of(c))))
        .findFirst()
        .or(() -> alias.map(Column::name));
  }

  private static List<String> stored(List<Column> columns, List<KeyColumn> key) {
    return columns.stream()
        .filter(c -> c.hidden() == 0)
        .map(Column::name)
        .filter(name -> key.stream().noneMatch(k -> k.name().equals(name)))
        .toList();
  }

  /** A function that only the application knows makes every write of ours fail at prepare. */
  private void checkExpressions(String table, List<Column> columns, List<Index> indexes)
      throws Refusal {
    List<String> expressions = new ArrayList<>();
    columns.stream().filter(Column::generated).forEach(c -> expressions.add(Sql.quote(c.name())));
    for (Index index : indexes) {
      catalog
          .indexSql(index.name())
          .map(IndexSql::parse)
          .ifPresent(
              sql -> {
                sql.terms().forEach(term -> expressions.add("(" + term + ")"));
                sql.where().ifPresent(text -> expressions.add("(" + text + ")"));
              });
    }
    if (!expressions.isEmpty()) {
      String query = "SELECT " + String.join(",", expressions) + " FROM " + Sql.quote(table);
      try (PreparedStatement prepared = connection.prepareStatement(query)) {
        prepared.getMetaData();
      } catch (SQLException e) {
        throw new Refusal(
            "an index or a generated column of it cannot be computed here ("
                + e.getMessage()
                + "); use only functions that are built into SQLite");
      }
    }
  }

  /** Only asked before the table has hooks; later such rows are held one by one at capture. */
  private void checkNullKeys(TableSchema table) throws SQLException, Refusal {
    for (KeyColumn column : table.key()) {
      String query =
          "SELECT 1 FROM %s WHERE %s COLLATE %s IS NULL LIMIT 1"
              .formatted(Sql.quote(table.name()), Sql.quote(column.name()), column.collation());
      try (PreparedStatement prepared = connection.prepareStatement(query);
          ResultSet rows = prepared.executeQuery()) {
        if (rows.next()) {
          throw new Refusal(
              "rows of it have NULL in the primary key column "
                  + column.name()
                  + ", so nothing identifies them; give them values and declare it NOT NULL");
        }
      }
    }
  }

  /** The table cannot be replicated; the message says why and what to do. */
  static final class Refusal extends Exception {
    Refusal(String reason) {
      super(reason);
    }
  }

  /** A column as PRAGMA table_xinfo tells it. */
  record Column(String name, String type, int pk, int hidden) {
    boolean generated() {
      return hidden == 2 || hidden == 3;
    }
  }

  /** An index as the pragmas tell it. */
  record Index(String name, boolean unique, String origin, List<Part> parts) {}

  /** A term of an index; an expression has cid -2 and no name. */
  record Part(int cid, @Nullable String columnName, String collation) {
    String name() {
      return columnName == null ? "" : columnName;
    }
  }
}
