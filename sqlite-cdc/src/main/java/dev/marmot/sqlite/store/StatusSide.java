package dev.marmot.sqlite.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.marmot.sqlite.HeldBackRow;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.schema.SchemaReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The connection for questions about the file, and for the small things that are written outside
 * capture and apply. Thread-safe: one question at a time.
 */
final class StatusSide implements AutoCloseable {
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Connection connection;

  private final KnownSchema schema;

  StatusSide(Connection connection, SchemaReader reader) {
    this.connection = connection;
    this.schema = new KnownSchema(reader);
  }

  /** Asks something; {@code what} completes "cannot ..." when it fails. */
  <T> T read(String what, Read<T> read) {
    synchronized (lock) {
      try {
        return read.from(connection);
      } catch (SQLException e) {
        throw SqliteReplicationException.cannot(what, e);
      }
    }
  }

  /** The same for a question whose answers go elsewhere. */
  void walk(String what, Walk walk) {
    var unused =
        read(
            what,
            from -> {
              walk.over(from);
              return true;
            });
  }

  long pendingChanges(long applied) {
    return read(
        "count the change log",
        from -> {
          try (Query query =
              new Query(from, "SELECT count(*) FROM main.__marmot_change_log WHERE seq>?1")) {
            return query.bind(1, applied).number(0);
          }
        });
  }

  Optional<String> meta(String key) {
    return read(
        "read " + key,
        from -> {
          try (Query query = new Query(from, "SELECT value FROM main.__marmot_meta WHERE key=?1")) {
            List<String> found = new ArrayList<>(1);
            query.bind(1, key).forEach(row -> found.add(row.text(0)));
            return found.stream().findFirst();
          }
        });
  }

  /** Waits for the application's lock as long as it takes. */
  void meta(String key, String value) {
    walk(
        "save " + key,
        in -> {
          try (Query query =
              new Query(in, "INSERT OR REPLACE INTO main.__marmot_meta VALUES(?1,?2)")) {
            while (true) {
              try {
                var unused = query.bind(1, key).bind(2, value).update();
                return;
              } catch (SQLException e) {
                Waiting.orThrow(e, "save " + key);
              }
            }
          }
        });
  }

  List<HeldBackRow> heldBack() {
    return read(
        "read the rows that are too large", in -> AsideReader.heldBack(in, schema.read(in)));
  }

  int resend(List<RowImage> rows) {
    return read(
        "send rows again",
        in ->
            Waiting.immediately(
                in, "send rows again", () -> Resend.log(in, schema.read(in), rows)));
  }

  Map<String, String> digests() {
    return read(
        "read the tables",
        from -> {
          try (Statement statement = from.createStatement()) {
            statement.execute("BEGIN");
            try {
              return DatabaseDigest.of(from, schema.read(from));
            } finally {
              statement.execute("ROLLBACK");
            }
          }
        });
  }

  Charset charset() {
    return read(
        "read the encoding",
        from ->
            switch (SqliteSnapshot.text(from, "PRAGMA main.encoding").orElse("")) {
              case "UTF-16le" -> StandardCharsets.UTF_16LE;
              case "UTF-16be" -> StandardCharsets.UTF_16BE;
              default -> StandardCharsets.UTF_8;
            });
  }

  Declarations declarations() {
    return read("read the declarations", from -> Declarations.read(from, schema.read(from)));
  }

  /** What the operator should know of tables and held rows. */
  List<String> warnings() {
    return read("read the warnings", from -> Warnings.of(from, schema.read(from)));
  }

  @Override
  public void close() throws SQLException {
    synchronized (lock) {
      connection.close();
    }
  }

  interface Walk {
    void over(Connection connection) throws SQLException;
  }

  interface Read<T> {
    T from(Connection connection) throws SQLException;
  }
}
