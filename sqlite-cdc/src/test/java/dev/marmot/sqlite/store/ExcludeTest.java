package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Excluded tables are neither captured nor applied; a table may become excluded, and back. */
class ExcludeTest {
  private static final String[] SCHEMA = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE cache_t(id INTEGER PRIMARY KEY, v)"
  };

  @TempDir Path directory;

  private static void reopen(Replica replica, String... globs) {
    replica.store.close();
    replica.store =
        SqliteReplicaStore.open(
            replica.file,
            StoreOptions.defaults("n" + replica.node)
                .withExcluded(TablePatterns.of(List.of(globs))));
  }

  @Test
  void excludedTable_isNotCaptured() throws SQLException {
    try (Replica a = Replica.open(directory, 1, SCHEMA)) {
      reopen(a, "CACHE_*");
      a.run("INSERT INTO t VALUES(1,1)", "INSERT INTO cache_t VALUES(1,1)");

      assertThat(a.capture().orElseThrow().rows())
          .singleElement()
          .satisfies(row -> assertThat(row.table()).isEqualTo("t"));
      assertThat(a.query("SELECT count(*) FROM sqlite_schema WHERE tbl_name='cache_t'"))
          .as("nothing of ours is on it")
          .isEqualTo("1");
      assertThat(a.store.warnings()).isEmpty();
      assertThat(a.store.digests()).containsOnlyKeys("t");
    }
  }

  @Test
  void rowsThatWereUnderWay_areDroppedNotHeld() throws SQLException {
    try (Replica a = Replica.open(directory, 1, SCHEMA);
        Replica b = Replica.open(directory, 2, SCHEMA)) {
      a.run("INSERT INTO t VALUES(1,1)", "INSERT INTO cache_t VALUES(1,1)");
      reopen(b, "cache_*");
      a.publish(b);

      assertThat(b.query("SELECT * FROM t")).isEqualTo("1|1");
      assertThat(b.query("SELECT * FROM cache_t")).isEmpty();
      assertThat(b.store.asideCounts().held()).isZero();
    }
  }

  @Test
  void tableThatIsNoLongerExcluded_isSentWhole() throws SQLException {
    try (Replica a = Replica.open(directory, 1, SCHEMA);
        Replica b = Replica.open(directory, 2, SCHEMA)) {
      reopen(a, "cache_*");
      reopen(b, "cache_*");
      a.run("INSERT INTO cache_t VALUES(1,'of a')");
      b.run("INSERT INTO cache_t VALUES(2,'of b')");
      reopen(a);
      reopen(b);
      a.publish(b);
      b.publish(a);

      assertThat(a.query("SELECT * FROM cache_t ORDER BY id")).isEqualTo("1|of a\n2|of b");
      assertThat(b.store.digests()).isEqualTo(a.store.digests());
    }
  }

  @Test
  void shadowAndSystemTables_areNeverCaptured() throws SQLException {
    try (Replica a =
        Replica.open(
            directory,
            1,
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, body)",
            "CREATE VIRTUAL TABLE f USING fts5(body)",
            "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)")) {
      a.run(
          "INSERT INTO t(body) VALUES('a')",
          "INSERT INTO f VALUES('b')",
          "INSERT INTO r VALUES(1,0,1)",
          "ANALYZE");

      assertThat(a.capture().orElseThrow().rows())
          .singleElement()
          .satisfies(row -> assertThat(row.table()).isEqualTo("t"));
      assertThat(a.store.warnings())
          .hasSize(2)
          .allSatisfy(warning -> assertThat(warning).contains("it is a virtual table"));
    }
  }

  @Test
  void tablesOfOtherReplicators_areLeftOut() throws SQLException {
    try (Replica a =
        Replica.open(
            directory,
            1,
            "CREATE TABLE t(id INTEGER PRIMARY KEY)",
            "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER)",
            "CREATE TABLE __harmonylite___global_change_log(id INTEGER PRIMARY KEY)",
            "CREATE TABLE _cf_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")) {
      a.run(
          "INSERT INTO t VALUES(1)",
          "INSERT INTO _litestream_seq VALUES(1,7)",
          "INSERT INTO __harmonylite___global_change_log VALUES(1)",
          "INSERT INTO _cf_KV VALUES('k','v')");

      assertThat(a.capture().orElseThrow().rows())
          .singleElement()
          .satisfies(row -> assertThat(row.table()).isEqualTo("t"));
      assertThat(a.store.warnings()).isEmpty();
      assertThat(a.store.digests()).containsOnlyKeys("t");
    }
  }
}
