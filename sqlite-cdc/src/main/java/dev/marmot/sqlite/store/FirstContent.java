package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a file holds at the moment from which on its writes count as changes: the content that the
 * nodes of a new cluster must have in common. Confined to one thread.
 *
 * <p>That moment is the very first install of the hooks: while it holds the write lock, a read
 * transaction begins here, so that what is read is what was written before, everything later is
 * logged, and nothing lies between. The rows are hashed in that read transaction, while the
 * application goes on writing.
 *
 * <p>When the reading broke off, and the hooks are in the file already, the moment is gone: it
 * begins anew. The change log is emptied, and what was logged so far belongs to the content.
 */
public final class FirstContent implements AutoCloseable {
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);

  private final DatabaseFile file;
  private final TablePatterns excluded;
  private @Nullable Connection reading;

  /** Reads nothing yet; for {@link SqliteReplicaStore#open}. */
  public FirstContent(Path database, TablePatterns excluded) {
    this.file = new DatabaseFile(database, LOCK_WAIT);
    this.excluded = excluded;
  }

  /** Begins to read; nobody can write meanwhile. */
  void begin() throws SQLException {
    close();
    Connection connection = file.connectReadOnly();
    reading = connection;
    try (Statement snapshot = connection.createStatement()) {
      snapshot.execute("BEGIN");
      // A transaction reads from the moment of its first read on.
      try (ResultSet any = snapshot.executeQuery("SELECT count(*) FROM main.sqlite_schema")) {
        any.next();
      }
    }
  }

  /**
   * Reads the rows, once. Only for a file of which nothing was ever sent, and that nobody else
   * captures.
   *
   * @param progress told which table is being read
   * @return all tables that replicate, by name
   */
  public List<TableContent> tables(Consumer<String> progress) {
    try {
      if (reading == null) {
        beginAnew();
      }
      Connection from = Objects.requireNonNull(reading);
      List<TableContent> tables = new ArrayList<>();
      Collection<TableSchema> all = new SchemaReader(excluded).read(from).tables().values();
      for (TableSchema table : all) {
        progress.accept(
            "table %s, %d of %d".formatted(table.name(), tables.size() + 1, all.size()));
        tables.add(content(from, table));
      }
      return List.copyOf(tables);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the content of " + file.path(), e);
    } finally {
      close();
    }
  }

  private void beginAnew() throws SQLException {
    try (Connection writing = file.connect();
        Statement log = writing.createStatement()) {
      var unused =
          Waiting.immediately(
              writing,
              "begin to log changes",
              () -> {
                begin();
                log.execute("DELETE FROM main.__marmot_held_back");
                return log.execute("DELETE FROM main.__marmot_change_log");
              });
    }
  }

  @Override
  public void close() {
    Connection open = reading;
    reading = null;
    if (open != null) {
      try {
        open.close();
      } catch (SQLException e) {
        throw SqliteReplicationException.cannot("stop reading " + file.path(), e);
      }
    }
  }

  private static TableContent content(Connection connection, TableSchema table)
      throws SQLException {
    long[] sums = new long[3];
    try (TableScan scan = new TableScan(connection, table)) {
      scan.forEach(
          (row, hash) -> {
            if (!row.key().contains(SqliteValue.Null.NULL)) {
              sums[0]++;
              sums[1] += hash.getMostSignificantBits();
              sums[2] += hash.getLeastSignificantBits();
            }
          });
    }
    return new TableContent(
        Sql.fold(table.name()),
        sums[0],
        String.format(Locale.ROOT, "%016x%016x", sums[1], sums[2]),
        Stream.concat(
                table.key().stream().map(TableSchema.KeyColumn::name), table.columns().stream())
            .map(Sql::fold)
            .sorted()
            .toList());
  }
}
