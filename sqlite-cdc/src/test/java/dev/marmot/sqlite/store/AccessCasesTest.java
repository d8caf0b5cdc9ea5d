package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ReplicaState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How the application and the store meet in one file: locks, journal modes, readers, migrations.
 */
final class AccessCasesTest {
  @TempDir Path directory;

  /** A read that turns into a write after an apply must begin anew: SQLite says so at once. */
  @Test
  void readThenWrite_overAnApply_isRefusedAtOnce_andImmediateIsNot() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      pair.write("INSERT INTO t VALUES(1,1)");
      pair.b.run("PRAGMA busy_timeout=5000", "BEGIN");
      assertThat(pair.b.query("SELECT v FROM t")).isEqualTo("1");
      pair.a.run("UPDATE t SET v=2");
      pair.a.publish(pair.b);
      assertThat(pair.b.query("SELECT v FROM t")).isEqualTo("1");
      assertThatThrownBy(() -> pair.b.run("UPDATE t SET v=3")).hasMessageContaining("BUSY");
      pair.b.run("ROLLBACK", "BEGIN IMMEDIATE", "UPDATE t SET v=3 WHERE v=2", "COMMIT");
      pair.b.publish(pair.a);
      assertThat(pair.query("SELECT v FROM t")).isEqualTo("3");
    }
  }

  /** A long reader keeps its view and does not hold up capture or apply. */
  @Test
  void longReader_keepsItsView_andReplicationGoesOn() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      pair.write("INSERT INTO t VALUES(1,1)");
      try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + pair.b.file);
          Statement statement = reader.createStatement()) {
        statement.execute("BEGIN");
        assertThat(statement.executeQuery("SELECT v FROM t").getInt(1)).isEqualTo(1);
        pair.write("UPDATE t SET v=2", "INSERT INTO t VALUES(2,2)");
        assertThat(statement.executeQuery("SELECT sum(v) FROM t").getInt(1)).isEqualTo(1);
      }
    }
  }

  @Test
  void leavingWalMode_isRefusedWhileTheStoreIsOpen_andTheLastCloseKeepsTheWal() throws Exception {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      // A connection that has not read since the switch to WAL mode does not know of it.
      pair.a.query("SELECT count(*) FROM t");
      assertThatThrownBy(() -> pair.a.query("PRAGMA journal_mode=DELETE"))
          .hasMessageContaining("locked");
      assertThat(pair.a.query("PRAGMA journal_mode")).isEqualTo("wal");
      pair.write("INSERT INTO t VALUES(1,1)");
      pair.a.application().close();
      assertThat(Files.exists(pair.a.file.resolveSibling("node1.db-wal"))).isTrue();
    }
  }

  /** All of the application's checkpoints work between transactions; ours never block it. */
  @Test
  void everyKindOfCheckpoint_betweenTransactions() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      for (String kind : new String[] {"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) {
        pair.write("INSERT INTO t(v) VALUES('" + kind + "')");
        assertThat(pair.a.query("PRAGMA wal_checkpoint(" + kind + ")")).startsWith("0|");
        assertThat(pair.b.query("PRAGMA wal_checkpoint(" + kind + ")")).startsWith("0|");
      }
    }
  }

  @Test
  void applicationWithoutABusyTimeout_failsOnlyWhileALockIsHeld() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      pair.a.run("PRAGMA busy_timeout=0");
      try (ApplyTransaction transaction = pair.a.store.begin()) {
        assertThatThrownBy(() -> pair.a.run("INSERT INTO t VALUES(1,1)"))
            .hasMessageContaining("BUSY");
        assertThat(transaction.parked()).isEmpty();
      }
      pair.write("INSERT INTO t VALUES(1,1)");
    }
  }

  /** POSIX locks belong to the process: closing any descriptor of the file would drop them. */
  @Test
  void locksOutliveWhateverTheStoreDoes() throws Exception {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      pair.write("INSERT INTO t VALUES(1,1)");
      try (ApplyTransaction transaction = pair.a.store.begin()) {
        pair.a.store.sync();
        pair.a.store.onCommit(() -> {});
        assertThat(pair.a.store.digests()).hasSize(1);
        assertThat(pair.a.store.capture(0, Replica.ALL)).isPresent();
        assertThat(pair.a.store.meta("nothing")).isEmpty();
        assertThat(Shell.run(pair.a.file, "INSERT INTO t VALUES(2,2);")).contains("locked");
        assertThat(transaction.parked()).isEmpty();
      }
      assertThat(Shell.run(pair.a.file, "INSERT INTO t VALUES(2,2);")).isEmpty();
      pair.a.publish(pair.b);
      assertThat(pair.query("SELECT count(*) FROM t")).isEqualTo("2");
    }
  }

  /** Migrations change tables under the hooks; what is written afterwards replicates. */
  @Test
  void migrations_columnsIndexesAndNames() throws SQLException {
    String[] steps = {
      "ALTER TABLE t ADD COLUMN c DEFAULT 'new'",
      "ALTER TABLE t RENAME COLUMN v TO w",
      "DROP INDEX tu",
      "ALTER TABLE t DROP COLUMN u",
      "CREATE UNIQUE INDEX tw ON t(w)",
      "PRAGMA legacy_alter_table=ON",
      "DROP INDEX tw",
      "ALTER TABLE t RENAME TO renamed",
      "PRAGMA legacy_alter_table=OFF",
      "CREATE TABLE t(id INTEGER PRIMARY KEY, w)",
      "INSERT INTO t(id,w) SELECT id,w FROM renamed",
      "DROP TABLE renamed"
    };
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, u, v)",
            "CREATE UNIQUE INDEX tu ON t(u)")) {
      pair.write("INSERT INTO t(id,u,v) VALUES(1,'a','b')");
      for (int i = 0; i < steps.length; i++) {
        String table = i >= 7 && i < 9 ? "renamed" : "t";
        pair.a.run(steps[i]);
        if (!steps[i].startsWith("INSERT")) {
          pair.b.run(steps[i]);
        }
        assertThat(pair.a.store.newestSeq()).isNotNegative();
        assertThat(pair.b.store.newestSeq()).isNotNegative();
        pair.write("INSERT INTO " + table + "(id) VALUES(" + (100 + i) + ")");
      }
      assertThat(pair.query("SELECT count(*) FROM t")).isEqualTo("13");
    }
  }

  @Test
  void applicationThatDropsOurTables_getsThemBack_withAllRowsLogged() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      pair.write("INSERT INTO t VALUES(1,1)");
      pair.a.run("DROP TABLE __marmot_change_log");
      assertThatThrownBy(() -> pair.a.run("INSERT INTO t VALUES(2,2)"))
          .hasMessageContaining("no such table");
      pair.a.store.newestSeq();
      // A connection that knows the schema without the table must read it again first.
      pair.a.query("SELECT count(*) FROM t");
      pair.write("INSERT INTO t VALUES(2,2)");
      pair.a.run("DROP TABLE __marmot_guard");
      pair.a.store.newestSeq();
      pair.a.query("SELECT count(*) FROM t");
      // A connection that knows the schema without the table must read it again first.
      pair.a.query("SELECT count(*) FROM t");
      pair.write("UPDATE t SET v=3");
    }
  }

  /** As Laravel's migrate:fresh does: it knows nothing of the tables that it drops. */
  @Test
  void applicationThatWipesTheSchema_getsOurTablesBack_andAllItsRowsAreSent() throws SQLException {
    wiped(
        "PRAGMA writable_schema=1",
        "DELETE FROM sqlite_master WHERE type IN ('table','index','trigger')",
        "PRAGMA writable_schema=0",
        "VACUUM",
        "PRAGMA integrity_check");
  }

  /** As Adonis does. */
  @Test
  void applicationThatDropsEveryTable_getsOurTablesBack_andAllItsRowsAreSent() throws SQLException {
    List<String> drops = new ArrayList<>();
    try (Replica like = Replica.open(directory, 9, SHOP)) {
      String names = "SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name";
      for (String name : like.query(names).lines().toList()) {
        drops.add("DROP TABLE IF EXISTS \"" + name + "\"");
      }
    }
    assertThat(drops).hasSizeGreaterThan(12);
    wiped(drops.toArray(String[]::new));
  }

  private static final String SHOP = "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)";

  private void wiped(String... statements) throws SQLException {
    try (Pair pair = new Pair(directory, SHOP)) {
      for (int i = 1; i <= 30; i++) {
        pair.write("INSERT INTO t VALUES(" + i + ",'before " + i + "')");
      }
      pair.b.run("INSERT INTO t VALUES(100,'of b')");
      pair.b.publish(pair.a);
      pair.a.store.meta("node", "1");
      ReplicaState before = pair.a.store.state();
      pair.a.run("UPDATE t SET v=v||'!'");
      assertThat(pair.a.capture()).as("captured, in flight").isPresent();

      pair.a.run(statements);
      pair.a.run(SHOP, "INSERT INTO t VALUES(1,'fresh'),(200,'new')");

      pair.a.store.newestSeq();
      ReplicaState after = pair.a.store.state();
      assertThat(after.position()).isEqualTo(before.position());
      assertThat(after.file()).isEqualTo(before.file());
      assertThat(after.last()).isEqualTo(before.last());
      assertThat(after.windowStart()).isEqualTo(after.position() + 1);
      assertThat(pair.a.store.meta("node")).contains("1");
      assertThat(pair.a.capture().orElseThrow().rows()).hasSize(2);
      assertThat(pair.a.store.warnings())
          .singleElement()
          .asString()
          .startsWith("the application dropped Marmot's tables at ");
      pair.a.reopen();
      assertThat(pair.a.store.state().position()).isEqualTo(before.position());
      assertThat(pair.a.store.state().last()).isEqualTo(before.last());
      pair.a.publish(pair.b);
      assertThat(pair.b.query("SELECT v FROM t WHERE id IN (1,200) ORDER BY id"))
          .isEqualTo("fresh\nnew");
      pair.a.query("SELECT count(*) FROM t");
      pair.a.run("INSERT INTO t VALUES(300,'later')");
      pair.a.publish(pair.b);
      pair.b.run("INSERT INTO t VALUES(400,'from b')");
      pair.b.publish(pair.a);
      assertThat(pair.query("SELECT count(*) FROM t WHERE id>=300")).isEqualTo("2");
    }
  }

  /** Whichever connection of the store notices first. */
  @Test
  void applierThatNoticesFirst_makesOurTablesAnew_andGoesOn() throws SQLException {
    try (Pair pair = new Pair(directory, SHOP)) {
      pair.write("INSERT INTO t VALUES(1,'a')");
      long position = pair.a.store.state().position();
      pair.a.run("DROP TABLE __marmot_skipped", "DROP TABLE __marmot_state");
      pair.b.run("INSERT INTO t VALUES(2,'b')");
      pair.b.publish(pair.a);
      assertThat(pair.a.store.state().position()).isEqualTo(position + 1);
      assertThat(pair.query("SELECT id FROM t")).isEqualTo("1\n2");
      assertThat(pair.a.capture().orElseThrow().rows()).as("its rows then").hasSize(1);
      pair.a.reopen();
      assertThat(pair.a.store.state().position()).isEqualTo(position + 1);
    }
  }
}
