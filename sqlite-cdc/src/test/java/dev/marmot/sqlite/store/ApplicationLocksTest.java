package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application's locks and Marmot's: who waits for whom, and what becomes of the WAL. */
class ApplicationLocksTest {
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";

  @TempDir Path directory;

  private static long walBytes(Replica replica) throws Exception {
    return Files.size(replica.file.resolveSibling(replica.file.getFileName() + "-wal"));
  }

  /** Transactions of one row, each captured and applied as an own echo now and then. */
  private static void write(Replica replica, int from, int count) throws SQLException {
    try (PreparedStatement insert =
        replica.application.prepareStatement("INSERT INTO t VALUES(?, randomblob(900))")) {
      for (int i = 0; i < count; i++) {
        insert.setInt(1, from + i);
        insert.executeUpdate();
        if (i % 250 == 249) {
          replica.publish();
        }
      }
    }
  }

  @Test
  void longReader_walGrowsMeanwhile_andIsCutBackAfterwards() throws Exception {
    try (Replica a = Replica.open(directory, 1, TABLE)) {
      a.run("PRAGMA synchronous=NORMAL", "INSERT INTO t VALUES(0,0)");
      a.publish();
      try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + a.file);
          Statement reading = reader.createStatement()) {
        reading.execute("BEGIN");
        try (var rows = reading.executeQuery("SELECT count(*) FROM t")) {
          assertThat(rows.getInt(1)).isEqualTo(1);
        }
        write(a, 1, 5_000);
        try (var rows = reading.executeQuery("SELECT count(*) FROM t")) {
          assertThat(rows.getInt(1)).as("the reader keeps its view").isEqualTo(1);
        }
      }
      long grown = walBytes(a);
      assertThat(grown).isGreaterThan(WalTrim.MOST_BYTES);

      write(a, 10_000, 1_000);
      write(a, 20_000, 3_000);

      assertThat(walBytes(a)).as("bytes of the WAL later").isLessThanOrEqualTo(WalTrim.MOST_BYTES);
      assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("9001");
    }
  }

  @Test
  void openWriteTransaction_delaysApplyingAndBreaksNothing() throws Exception {
    try (Replica a = Replica.open(directory, 1, TABLE);
        Replica b = Replica.open(directory, 2, TABLE)) {
      a.run("INSERT INTO t VALUES(1,'of a')");
      b.run("BEGIN IMMEDIATE", "INSERT INTO t VALUES(2,'of b')");

      CompletableFuture<Void> applied =
          CompletableFuture.runAsync(
              () -> {
                try {
                  a.publish(b);
                } catch (RuntimeException e) {
                  throw new IllegalStateException(e);
                }
              });
      // Longer than SQLite itself waits for a lock before the store looks again.
      assertThatThrownBy(() -> applied.get(1_200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      b.run("COMMIT");
      applied.get(20, TimeUnit.SECONDS);

      assertThat(b.query("SELECT * FROM t ORDER BY id")).isEqualTo("1|of a\n2|of b");
    }
  }

  @Test
  void journalMode_cannotBeLeftWhileMarmotRuns_andIsRestoredAtTheNextStart() throws Exception {
    try (Replica a = Replica.open(directory, 1, TABLE)) {
      a.application.close();
      assertThat(Shell.run(a.file, "PRAGMA journal_mode=DELETE")).contains("database is locked");
      assertThat(Shell.run(a.file, "PRAGMA journal_mode")).isEqualTo("wal");
      a.store.close();
      assertThat(Shell.run(a.file, "PRAGMA journal_mode=DELETE;INSERT INTO t VALUES(1,1)"))
          .isEqualTo("delete");
      a.reopen();
      assertThat(Shell.run(a.file, "PRAGMA journal_mode;INSERT INTO t VALUES(2,2)"))
          .isEqualTo("wal");
      assertThat(a.capture().orElseThrow().rows()).hasSize(2);
    }
  }

  @Test
  void lastConnectionOfTheApplication_leavesTheWalInPlace() throws Exception {
    try (Replica a = Replica.open(directory, 1, TABLE)) {
      a.run("INSERT INTO t VALUES(1,1)");
      a.application.close();
      assertThat(walBytes(a)).isPositive();
      assertThat(a.capture().orElseThrow().rows()).hasSize(1);
    }
  }
}
