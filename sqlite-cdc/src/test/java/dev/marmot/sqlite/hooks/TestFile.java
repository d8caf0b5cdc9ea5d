package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.schema.SchemaReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A file with hooks, written by the sqlite3 tool or through JDBC. Confined to its test. */
final class TestFile implements AutoCloseable {
  final DatabaseFile file;
  final Connection connection;
  final Hooks hooks = new Hooks(new SchemaReader());

  private TestFile(Path path) {
    file = new DatabaseFile(path, Duration.ofSeconds(5));
    connection = file.connect();
  }

  /** Creates the schema with the sqlite3 tool and installs the hooks. */
  static TestFile hooked(Path path, String schema) throws SQLException {
    TestFile test = plain(path, schema);
    test.install(false);
    return test;
  }

  static TestFile plain(Path path, String schema) {
    shell(path, "PRAGMA journal_mode=WAL;" + schema);
    return new TestFile(path);
  }

  Hooks.Installed install(boolean replicating) throws SQLException {
    Hooks.Installed installed = hooks.install(connection, replicating, 0);
    assertThat(hooks.current(connection, installed.schema())).isTrue();
    return installed;
  }

  /** Runs SQL in the sqlite3 tool, another process with another SQLite; returns what it printed. */
  String app(String sql) {
    return shell(file.path(), sql);
  }

  static String shell(Path path, String sql) {
    try {
      Process process =
          new ProcessBuilder("sqlite3", "-batch", path.toString())
              .redirectErrorStream(true)
              .start();
      process.getOutputStream().write((".bail on\n" + sql + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
      return out.strip();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Runs SQL as the application, which must not fail, and returns what the hooks logged. */
  List<String> logOf(String sql) throws SQLException {
    execute("DELETE FROM __marmot_change_log");
    assertThat(app(sql)).doesNotContain("rror");
    return log();
  }

  /** The change log as {@code table:key}, in order. */
  List<String> log() throws SQLException {
    return query(
        """
        SELECT ifnull((SELECT DISTINCT tbl_name FROM sqlite_schema
            WHERE name GLOB '__marmot_' || (abs(l.tbl) % (1 << 40)) || '_[iud]'), '?')
          || ':' || quote(k0) || CASE WHEN k1 IS NULL THEN '' ELSE ',' || quote(k1) END
        FROM __marmot_change_log l ORDER BY seq
        """);
  }

  List<String> query(String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        values.add(String.valueOf(rows.getString(1)));
      }
    }
    return values;
  }

  void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
