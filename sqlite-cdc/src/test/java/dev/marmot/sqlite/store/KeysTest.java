package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ways to keep two nodes from choosing one key, as docs/keys.md gives them. */
class KeysTest {
  private static final String HUNDRED =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100) ";
  private static final String LAST =
      "INSERT INTO t(id, v) VALUES(9223372036854775807, 'keys are random from here on')";

  @TempDir Path directory;

  /** Both write without having seen the other; then everything is everywhere. */
  private static void insertOnBoth(Replica a, Replica b) throws SQLException {
    a.run(HUNDRED + "INSERT INTO t(v) SELECT 'a'||i FROM n");
    b.run(HUNDRED + "INSERT INTO t(v) SELECT 'b'||i FROM n");
    a.publish(b);
    b.publish(a);
  }

  @Test
  void integerKeys_collide() throws SQLException {
    try (Replica a = Replica.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        Replica b = Replica.open(directory, 2, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      insertOnBoth(a, b);
      assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("100");
    }
  }

  @Test
  void largestKeyTaken_sqliteChoosesAtRandom_andNothingCollides() throws SQLException {
    try (Replica a = Replica.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        Replica b = Replica.open(directory, 2, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      a.run("INSERT INTO t(v) VALUES('from before')", LAST).publish(b);
      insertOnBoth(a, b);
      insertOnBoth(b, a);

      assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("402");
      assertThat(a.store.digests()).isEqualTo(b.store.digests());
      a.run("INSERT INTO t(v) VALUES('newest')");
      assertThat(a.query("SELECT v FROM t WHERE id=last_insert_rowid()")).isEqualTo("newest");
    }
  }

  @Test
  void autoincrement_hasNoRandomKeys() throws SQLException {
    try (Replica a =
        Replica.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)")) {
      a.run(LAST);
      assertThatThrownBy(() -> a.run("INSERT INTO t(v) VALUES(1)")).hasMessageContaining("full");
    }
  }

  @Test
  void rangesByTheSequence_doNotHold() throws SQLException {
    String table = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)";
    try (Replica a = Replica.open(directory, 1, table);
        Replica b = Replica.open(directory, 2, table)) {
      a.run("INSERT INTO sqlite_sequence VALUES('t', 0)");
      b.run("INSERT INTO sqlite_sequence VALUES('t', 1000000)");
      insertOnBoth(a, b);
      assertThat(a.query("SELECT count(*) FROM t")).as("at first they do").isEqualTo("200");

      a.run("INSERT INTO t(v) VALUES('next')");
      assertThat(a.query("SELECT max(id) FROM t"))
          .as("a went on in b's range")
          .isEqualTo("1000101");
    }
  }

  @Test
  void keyByDefault_isDifferentOnEachNode() throws SQLException {
    String table =
        "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))), v)";
    try (Replica a = Replica.open(directory, 1, table);
        Replica b = Replica.open(directory, 2, table)) {
      insertOnBoth(a, b);
      assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("200");
      assertThat(a.store.digests()).isEqualTo(b.store.digests());
    }
  }

  @Test
  void keyLessTable_largestRowidTaken_worksToo() throws SQLException {
    try (Replica a = Replica.open(directory, 1, "CREATE TABLE t(v)");
        Replica b = Replica.open(directory, 2, "CREATE TABLE t(v)")) {
      a.run("INSERT INTO t(rowid, v) VALUES(9223372036854775807, 'last')").publish(b);
      insertOnBoth(a, b);
      assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("201");
      assertThat(a.store.digests()).isEqualTo(b.store.digests());
    }
  }
}
