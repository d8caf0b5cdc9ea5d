package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.RowKey;
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

  private static final int ROWS = 300_000;
  private static final String FILL =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)".formatted(ROWS)
          + " INSERT INTO t SELECT i,i FROM n";

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
  void longTransaction_isReadBeforeTheLockIsTaken() throws Exception {
    try (Replica a = Replica.open(directory, 1, TABLE)) {
      a.run("BEGIN IMMEDIATE", FILL);
      CompletableFuture<long[]> times =
          CompletableFuture.supplyAsync(
              () -> {
                try (ApplyTransaction transaction = a.store.begin()) {
                  return new long[] {transaction.lockedNanos(), System.nanoTime()};
                }
              });
      assertThatThrownBy(() -> times.get(300, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      long start = System.nanoTime();
      a.run("COMMIT"); // the applier waits for it: what it finds then is new to it

      long[] lockedAndReady = times.get(60, TimeUnit.SECONDS);
      long held = lockedAndReady[1] - lockedAndReady[0];
      long all = lockedAndReady[1] - start;
      assertThat(held)
          .as("of %d us, the lock was held for %d us", all / 1000, held / 1000)
          .isLessThan(all / 5);
      try (ApplyTransaction transaction = a.store.begin()) {
        RowKey key = transaction.key(a.capture().orElseThrow().rows().get(ROWS - 1));
        assertThat(transaction.pendingSeq(key)).as("all of it was read").hasValue(ROWS);
      }
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
