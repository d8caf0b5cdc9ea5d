package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A schema that is read again only when the file's has changed. Confined to its caller's lock.
 *
 * <p>Reading takes long with many tables, and the status is asked for every second.
 */
final class KnownSchema {
  private final SchemaReader reader;
  private @Nullable DatabaseSchema known;

  KnownSchema(SchemaReader reader) {
    this.reader = reader;
  }

  /** The schema of the connection's file; always through the same connection. */
  DatabaseSchema read(Connection connection) throws SQLException {
    DatabaseSchema schema = known;
    try (Query cookie = new Query(connection, "PRAGMA main.schema_version")) {
      if (schema == null || cookie.number(-1) != schema.version()) {
        schema = reader.read(connection);
        known = schema;
      }
    }
    return schema;
  }
}
