package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a file holds at the moment from which on its writes are changes. */
class FirstContentTest {
  private static final CaptureLimits ALL = new CaptureLimits(1_000_000, 1 << 30);

  @TempDir private Path directory;

  private Path file(String name, String... statements) throws SQLException {
    Path file = directory.resolve(name);
    run(file, statements);
    return file;
  }

  private static void run(Path file, String... statements) throws SQLException {
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = application.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static long number(Path file, String sql) throws SQLException {
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = application.createStatement();
        ResultSet found = statement.executeQuery(sql)) {
      return found.getLong(1);
    }
  }

  private static SqliteReplicaStore open(Path file) {
    return SqliteReplicaStore.open(file, StoreOptions.defaults("n1"));
  }

  private static List<TableContent> take(Path file) {
    try (FirstContent content = new FirstContent(file, TablePatterns.NONE)) {
      return content.tables(table -> {});
    }
  }

  @Test
  void equalRows_areEqual_inAnyOrderOfRowsAndColumns() throws SQLException {
    Path one =
        file(
            "one.db",
            "CREATE TABLE T(k TEXT PRIMARY KEY, v, w)",
            "INSERT INTO t VALUES('a',1,2),('b',1.0,NULL)");
    Path two =
        file(
            "two.db",
            "CREATE TABLE t(w, v, k TEXT PRIMARY KEY)",
            "INSERT INTO t VALUES(NULL,1.0,'b'),(2,1,'a')");
    Path three =
        file(
            "three.db",
            "CREATE TABLE t(k TEXT PRIMARY KEY, v, w)",
            "INSERT INTO t VALUES('a',1,2),('b',1,NULL)");
    try (SqliteReplicaStore a = open(one);
        SqliteReplicaStore b = open(two);
        SqliteReplicaStore c = open(three)) {
      assertThat(take(one)).isEqualTo(take(two)).hasSize(1);
      assertThat(take(three).get(0).rows()).isEqualTo(2);
      assertThat(take(three)).as("1 is not 1.0").isNotEqualTo(take(two));
      assertThat(List.of(a.newestSeq(), b.newestSeq(), c.newestSeq())).containsOnly(0L);
    }
  }

  /** However long it takes until the rows are read: a busy application writes meanwhile. */
  @Test
  void whatIsWrittenSinceTheHooks_isNoContentButAChange() throws SQLException {
    Path file = file("app.db", "CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)");
    try (FirstContent content = new FirstContent(file, TablePatterns.NONE);
        SqliteReplicaStore store =
            SqliteReplicaStore.open(file, StoreOptions.defaults("n1"), content)) {
      run(file, "INSERT INTO t VALUES(2)", "CREATE TABLE u(id INTEGER PRIMARY KEY)");
      List<String> read = new ArrayList<>();
      List<TableContent> tables = content.tables(read::add);
      assertThat(tables)
          .extracting(TableContent::table, TableContent::rows)
          .containsExactly(tuple("t", 1L));
      assertThat(read).containsExactly("table t, 1 of 1");
      assertThat(store.capture(0, ALL).orElseThrow().rows()).hasSize(1);
    }
  }

  @Test
  void whatWasLoggedBeforeABreak_belongsToTheContent_andIsNoChange() throws SQLException {
    Path file = file("app.db", "CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)");
    try (SqliteReplicaStore store = open(file)) {
      run(file, "INSERT INTO t VALUES(2)");
      assertThat(take(file).get(0).rows()).isEqualTo(2);
      assertThat(store.capture(0, ALL)).isEmpty();
      run(file, "INSERT INTO t VALUES(3)");
      assertThat(store.capture(0, ALL).orElseThrow().rows()).hasSize(1);
    }
  }

  /** Every row is in the content or in the change log, none in both. */
  @Test
  void whileTheApplicationWrites_nothingLiesBetweenContentAndChanges() throws Exception {
    Path file = file("app.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    try (SqliteReplicaStore store = open(file)) {
      AtomicBoolean stop = new AtomicBoolean();
      Thread writer = new Thread(() -> write(file, stop));
      writer.start();
      for (int round = 0; round < 20; round++) {
        long rows = take(file).get(0).rows();
        assertThat(rows + store.newestSeq())
            .as("content and changes so far")
            .isLessThanOrEqualTo(number(file, "SELECT count(*) FROM t"));
        if (round == 19) {
          stop.set(true);
          writer.join();
          assertThat(rows).isPositive();
          assertThat(rows + number(file, "SELECT count(*) FROM __marmot_change_log"))
              .isEqualTo(number(file, "SELECT count(*) FROM t"));
        }
      }
    }
  }

  private static void write(Path file, AtomicBoolean stop) {
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = application.createStatement()) {
      statement.execute("PRAGMA busy_timeout=10000");
      while (!stop.get()) {
        statement.execute("INSERT INTO t(v) VALUES(1)");
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
