package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What a file holds at the moment from which on its writes count as changes: the content that the
 * nodes of a new cluster must have in common. Pure functions of files.
 *
 * <p>The hooks are in the file already. With the write lock held, for an instant, the change log is
 * emptied and a read transaction begins: what was logged so far belongs to the content, everything
 * later is a change, and nothing lies between. The rows are hashed in that read transaction, while
 * the application goes on writing.
 */
public final class FirstContent {
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);

  private FirstContent() {}

  /**
   * Begins anew: forgets what was logged and reads the rows. Only for a file of which nothing was
   * ever sent, and that nobody else captures. Reads the whole file once.
   *
   * @return all tables that replicate, by name
   */
  public static List<TableContent> take(Path database, TablePatterns excluded) {
    DatabaseFile file = new DatabaseFile(database, LOCK_WAIT);
    try (Connection reading = file.connectReadOnly()) {
      begin(file, reading);
      List<TableContent> tables = new ArrayList<>();
      for (TableSchema table : new SchemaReader(excluded).read(reading).tables().values()) {
        tables.add(content(reading, table));
      }
      return List.copyOf(tables);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the content of " + database, e);
    }
  }

  private static void begin(DatabaseFile file, Connection reading) throws SQLException {
    try (Connection writing = file.connect();
        Statement log = writing.createStatement();
        Statement snapshot = reading.createStatement()) {
      var unused =
          Waiting.immediately(
              writing,
              "begin to log changes",
              () -> {
                snapshot.execute("BEGIN");
                // A transaction reads from the moment of its first read on.
                var state = Bookkeeping.load(reading);
                log.execute("DELETE FROM main.__marmot_change_log");
                log.execute("DELETE FROM main.__marmot_held_back");
                return state;
              });
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
