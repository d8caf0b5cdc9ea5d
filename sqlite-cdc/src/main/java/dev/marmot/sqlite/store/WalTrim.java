package dev.marmot.sqlite.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

/**
 * Cuts back a WAL that a long reader or a large transaction left behind: SQLite uses it again from
 * its start but never makes it smaller. Confined to the applier thread.
 *
 * <p>First a PASSIVE checkpoint, which disturbs nobody. Only when that copied everything, TRUNCATE,
 * which then has nothing left to copy and holds the write lock for an instant; it does not wait for
 * readers.
 */
final class WalTrim {
  static final long MOST_BYTES = 32 << 20;
  private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final Connection connection;
  private final Path wal;
  private long notBefore = System.nanoTime();

  /**
   * @param connection outside a transaction whenever {@link #run} is called
   */
  WalTrim(Connection connection, Path wal) {
    this.connection = connection;
    this.wal = wal;
  }

  /** Does nothing while the WAL is small; only looks at the size of the file. */
  void run(long busyMillis) throws SQLException {
    if (System.nanoTime() - notBefore < 0 || size() <= MOST_BYTES) {
      return;
    }
    notBefore = System.nanoTime() + EVERY_NANOS;
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=0");
      try {
        if (allCopied(statement, "PASSIVE")) {
          var unused = allCopied(statement, "TRUNCATE");
        }
      } finally {
        statement.execute("PRAGMA busy_timeout=" + busyMillis);
      }
    }
  }

  private static boolean allCopied(Statement statement, String mode) throws SQLException {
    try (var row = statement.executeQuery("PRAGMA main.wal_checkpoint(" + mode + ")")) {
      return row.next() && row.getInt(1) == 0 && row.getInt(2) == row.getInt(3);
    } catch (SQLException e) {
      if (Refusal.isBusy(e)) {
        return false; // somebody else is at it; there is a next time
      }
      throw e;
    }
  }

  private long size() {
    try {
      return Files.size(wal);
    } catch (IOException e) {
      return 0; // only the size: whoever needs the file will say what is wrong with it
    }
  }
}
