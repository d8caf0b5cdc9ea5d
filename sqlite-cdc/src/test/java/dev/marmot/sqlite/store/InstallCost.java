package dev.marmot.sqlite.store;

import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.StagedReplica;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;

/**
 * Prints how long a snapshot of a large file takes, and how long its installation holds the lock.
 * Run by hand, with a directory and the number of rows in millions (about a third of a gigabyte
 * each).
 */
public final class InstallCost {
  private InstallCost() {}

  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    Path one = directory.resolve("one.db");
    Path two = directory.resolve("two.db");
    if (!Files.exists(one)) {
      make(one, Integer.parseInt(args[1]) * 1_000_000L);
    }
    Files.copy(one, two, StandardCopyOption.REPLACE_EXISTING);
    System.out.printf(Locale.ROOT, "file %d MB%n", Files.size(one) >> 20);
    SqliteSnapshot snapshot = stage(one);
    for (int percent : List.of(0, 1, 100)) {
      install(two, snapshot, percent);
    }
    Files.delete(snapshot.path());
    Files.delete(two);
    System.out.println(
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("VmHWM"))
            .toList());
  }

  private static void make(Path file, long rows) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=OFF");
      statement.execute("PRAGMA synchronous=OFF");
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, body TEXT, n INTEGER)");
      statement.execute("CREATE TABLE u(k TEXT PRIMARY KEY, mail TEXT UNIQUE, v)");
      String count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d) ";
      statement.execute(
          count.formatted(rows)
              + "INSERT INTO t SELECT i, 'name of '||i, hex(randomblob(100)), i FROM n");
      statement.execute(
          count.formatted(rows / 4)
              + "INSERT INTO u SELECT hex(randomblob(16)), 'mail'||i||'@example.org', hex(randomblob(40)) FROM n");
    }
  }

  private static SqliteSnapshot stage(Path file) {
    try (SqliteReplicaStore store = SqliteReplicaStore.open(file, StoreOptions.defaults("one"))) {
      long start = now();
      try (StagedReplica staged = store.stage()) {
        long copied = now();
        SqliteSnapshot sealed = (SqliteSnapshot) staged.seal();
        long end = now();
        SqliteSnapshot opened = SqliteSnapshot.open(sealed.path());
        System.out.printf(
            Locale.ROOT,
            "copy %d ms, seal %d ms, open %d ms (processor time)%n",
            millis(start, copied),
            millis(copied, end),
            millis(end, now()));
        return opened;
      }
    }
  }

  private static void install(Path file, SqliteSnapshot snapshot, int percent) throws SQLException {
    try (SqliteReplicaStore store = SqliteReplicaStore.open(file, StoreOptions.defaults("two"))) {
      if (percent > 0) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
            Statement statement = connection.createStatement()) {
          statement.execute("PRAGMA synchronous=OFF");
          int step = 100 / percent;
          statement.execute("BEGIN IMMEDIATE");
          statement.execute(
              "CREATE TEMP TABLE newest AS SELECT ifnull(max(seq),0) AS seq FROM __marmot_change_log");
          statement.execute("UPDATE t SET n=n+1 WHERE id%" + step + "=0");
          statement.execute("UPDATE u SET v=v||'x' WHERE rowid%" + step + "=0");
          statement.execute("DELETE FROM __marmot_change_log WHERE seq>(SELECT seq FROM newest)");
          statement.execute("COMMIT");
        }
      }
      long start = now();
      try (InstallTransaction transaction = store.install(snapshot)) {
        long locked = now();
        transaction.replaceRows(true);
        transaction.uniteConflicts();
        transaction.replaceWriters();
        transaction.commit();
        long end = now();
        System.out.printf(
            Locale.ROOT,
            "%d %% differ: compare %d ms, lock %d ms%n",
            percent,
            millis(start, locked),
            millis(locked, end));
      }
    }
  }

  /** Time of the processor, which other work on the machine does not disturb so much. */
  private static long now() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static long millis(long from, long to) {
    return (to - from) / 1_000_000;
  }
}
