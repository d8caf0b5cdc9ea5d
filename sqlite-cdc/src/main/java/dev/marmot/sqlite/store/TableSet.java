package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tables of one schema version as a connection works with them: T is what it does with a table.
 * Confined to the thread of the connection.
 */
final class TableSet<T extends AutoCloseable> implements AutoCloseable {
  private final Connection connection;
  private final DatabaseSchema schema;
  private final Maker<T> maker;
  private final Map<String, TableSchema> byName = new HashMap<>();
  private final Map<Long, TableSchema> byId = new HashMap<>();
  private final Map<String, T> made = new HashMap<>();
  private @Nullable String lastName;
  private @Nullable T last;

  TableSet(Connection connection, DatabaseSchema schema, Maker<T> maker) {
    this.connection = connection;
    this.schema = schema;
    this.maker = maker;
    for (TableSchema table : schema.tables().values()) {
      byName.put(Sql.fold(table.name()), table);
      byId.put(table.id(), table);
    }
  }

  DatabaseSchema schema() {
    return schema;
  }

  /** The table with this name in any case, or null when it does not replicate here. */
  @Nullable T named(String name) throws SQLException {
    // Images of a table share the string of its name.
    if (name.equals(lastName)) {
      return last;
    }
    TableSchema table = byName.get(Sql.fold(name));
    T found = table == null ? null : made(table);
    lastName = name;
    last = found;
    return found;
  }

  /** The table that the hooks log under this id, or null when there is none any more. */
  @Nullable T withId(long id) throws SQLException {
    TableSchema table = byId.get(id);
    return table == null ? null : made(table);
  }

  private T made(TableSchema table) throws SQLException {
    T found = made.get(table.name());
    if (found == null) {
      found = maker.make(connection, table, schema.encoding());
      made.put(table.name(), found);
    }
    return found;
  }

  @Override
  public void close() throws SQLException {
    for (T table : made.values()) {
      try {
        table.close();
      } catch (SQLException e) {
        throw e;
      } catch (Exception e) {
        throw new SQLException(e);
      }
    }
    made.clear();
  }

  /** Prepares what a connection does with one table. */
  interface Maker<T> {
    T make(Connection connection, TableSchema table, String encoding) throws SQLException;
  }
}
