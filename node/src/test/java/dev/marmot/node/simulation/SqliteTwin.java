package dev.marmot.node.simulation;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A real SQLite file beside a {@link MemoryDisk}: the application's statements run on both, and
 * everything that can be compared must be equal. Confined to the simulation's thread.
 */
final class SqliteTwin implements AutoCloseable {
  private static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE plain(k INTEGER PRIMARY KEY, token INTEGER)",
          "CREATE TABLE single(k INTEGER PRIMARY KEY, u0 TEXT UNIQUE, token INTEGER)",
          "CREATE TABLE twofold(k INTEGER PRIMARY KEY, u0 TEXT UNIQUE, u1 TEXT UNIQUE,"
              + " token INTEGER)");

  private final Path directory;
  private final int node;
  private int files;
  private @Nullable Path file;
  private @Nullable Connection application;

  SqliteTwin(Path directory, int node) {
    this.directory = directory;
    this.node = node;
  }

  /** A new file takes the place of the old one, if there is one. */
  void replace() {
    close();
    Path next = directory.resolve("node" + node + "-" + ++files + ".db");
    try {
      Connection connection = DriverManager.getConnection("jdbc:sqlite:" + next);
      application = connection;
      file = next;
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA journal_mode=WAL");
        statement.execute("PRAGMA synchronous=OFF");
        for (String sql : SCHEMA) {
          statement.execute(sql);
        }
      }
      open().close(); // installs the hooks, so that the application's writes are logged from now on
    } catch (SQLException e) {
      throw new IllegalStateException("cannot make " + next, e);
    }
  }

  SqliteReplicaStore open() {
    return SqliteReplicaStore.open(
        java.util.Objects.requireNonNull(file), StoreOptions.defaults("twin"));
  }

  private void execute(String sql, List<SqliteValue> parameters) {
    try (PreparedStatement statement = connection().prepareStatement(sql)) {
      for (int i = 0; i < parameters.size(); i++) {
        SqliteValue value = parameters.get(i);
        if (value instanceof SqliteValue.Int number) {
          statement.setLong(i + 1, number.value());
        } else if (value instanceof SqliteValue.Text text) {
          statement.setString(i + 1, new String(text.bytes(), StandardCharsets.UTF_8));
        } else {
          statement.setObject(i + 1, null);
        }
      }
      statement.executeUpdate();
    } catch (SQLException e) {
      if (e.getErrorCode() != 19) { // a constraint: the statement had no effect, in memory, too
        throw new IllegalStateException("cannot execute " + sql, e);
      }
    }
  }

  /** The application's transaction, statement by statement. */
  void transact(List<Statements.Sql> statements) {
    execute("BEGIN IMMEDIATE", List.of());
    statements.forEach(statement -> execute(statement.text(), statement.parameters()));
    execute("COMMIT", List.of());
  }

  /** All rows as text, by table and key. */
  Map<String, String> rows() {
    Map<String, String> rows = new TreeMap<>();
    query(
        "SELECT 'plain/'||k, token FROM plain UNION ALL"
            + " SELECT 'single/'||k, ifnull(u0,'-')||'.'||token FROM single UNION ALL"
            + " SELECT 'twofold/'||k, ifnull(u0,'-')||'.'||ifnull(u1,'-')||'.'||token FROM twofold",
        row -> rows.put(row.getString(1), row.getString(2).replace("value", "v")));
    return rows;
  }

  /** Change log rows after one, oldest first. */
  List<MemoryFile.Change> changesAfter(long seq) {
    Map<Long, String> names = new HashMap<>();
    query(
        "SELECT name, tbl_name FROM sqlite_master WHERE type='trigger'"
            + " AND name GLOB '__marmot_*_i'",
        row -> names.put(Long.valueOf(row.getString(1).split("_", -1)[3]), row.getString(2)));
    List<MemoryFile.Change> changes = new ArrayList<>();
    query(
        "SELECT seq, abs(tbl) % (1 << 40), k0 FROM __marmot_change_log WHERE seq>"
            + seq
            + " ORDER BY seq",
        row -> {
          SampleTable table = SampleTable.named(String.valueOf(names.get(row.getLong(2))));
          changes.add(new MemoryFile.Change(row.getLong(1), table.key(row.getLong(3))));
        });
    return changes;
  }

  /** A column of text or numbers. */
  List<String> column(String sql) {
    List<String> values = new ArrayList<>();
    query(sql, row -> values.add(row.getString(1)));
    return values;
  }

  private void query(String sql, RowReader reader) {
    try (Statement statement = connection().createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        reader.read(rows);
      }
    } catch (SQLException e) {
      throw new IllegalStateException("cannot query " + sql, e);
    }
  }

  private Connection connection() {
    return java.util.Objects.requireNonNull(application);
  }

  @Override
  public void close() {
    try {
      if (application != null) {
        application.close();
      }
    } catch (SQLException e) {
      throw new IllegalStateException("cannot close " + file, e);
    }
  }

  private interface RowReader {
    void read(ResultSet row) throws SQLException;
  }
}
