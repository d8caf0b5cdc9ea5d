package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hooks through the life of a schema. */
class HooksTest {
  @TempDir Path directory;

  @Test
  void rememberedTables_areThoseThatAFreshReaderReads() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            directory.resolve("remembered.db"),
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE TABLE u(k TEXT PRIMARY KEY)")) {
      for (String change :
          List.of(
              "ALTER TABLE t ADD COLUMN c",
              "CREATE UNIQUE INDEX i ON t(a) WHERE b=1",
              "DROP INDEX i; CREATE UNIQUE INDEX i ON t(b)",
              "ALTER TABLE t RENAME COLUMN b TO d",
              "ALTER TABLE t RENAME TO v; ALTER TABLE u RENAME TO t",
              "DROP TABLE t; CREATE TABLE t(k TEXT PRIMARY KEY)",
              "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
              "DROP TABLE v")) {
        test.app(change);
        assertThat(test.install(true).schema())
            .as(change)
            .isEqualTo(new SchemaReader().read(test.connection));
      }
    }
  }

  @Test
  void install_firstTimeLogsNothingAndIsIdempotent() throws SQLException {
    try (TestFile test =
        TestFile.plain(
            path(), "CREATE TABLE t(a,b,c,PRIMARY KEY(a,b,c)); INSERT INTO t VALUES(1,2,3)")) {
      Hooks.Installed first = test.install(false);
      assertThat(first.hooked()).containsExactly("t");
      assertThat(first.loggedRows()).isZero();
      assertThat(test.log()).isEmpty();
      Hooks.Installed second = test.install(true);
      assertThat(second.changed()).isFalse();
      assertThat(second.schema()).isEqualTo(first.schema());
      assertThat(test.logOf("UPDATE t SET c=4")).hasSize(2);
      assertThat(test.query("SELECT k2 FROM __marmot_change_log ORDER BY seq"))
          .containsExactly("4", "3");
    }
  }

  @Test
  void install_newTableWhileReplicatingLogsItsRows() throws SQLException {
    try (TestFile test = TestFile.hooked(path(), "CREATE TABLE t(a)")) {
      test.app("CREATE TABLE n(k TEXT PRIMARY KEY, v); INSERT INTO n VALUES('p',1),('q',2)");
      Hooks.Installed installed = test.install(true);
      assertThat(installed.hooked()).containsExactly("n");
      assertThat(installed.loggedRows()).isEqualTo(2);
      assertThat(test.log()).containsExactly("n:'p'", "n:'q'");
    }
  }

  @Test
  void install_renamedTableAndColumnsKeepIdAndHooks() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(),
            "CREATE TABLE t(a TEXT, b, c UNIQUE, d, PRIMARY KEY(a,b)); INSERT INTO t VALUES(1,2,3,4)")) {
      long id = table(test.install(true), "t").id();
      test.app(
          "ALTER TABLE t RENAME TO \"new name\"; ALTER TABLE \"new name\" RENAME COLUMN a TO \"k 1\";"
              + "ALTER TABLE \"new name\" DROP COLUMN d; ALTER TABLE \"new name\" ADD COLUMN e");
      Hooks.Installed installed = test.install(true);
      assertThat(installed.loggedRows()).isZero();
      assertThat(table(installed, "new name").id()).isEqualTo(id);
      assertThat(test.logOf("REPLACE INTO \"new name\" VALUES('x',1,3,5)"))
          .containsExactlyInAnyOrder("new name:'x',1", "new name:'1',2");
    }
  }

  @Test
  void install_oldTableRenamedAwayAndNewOneUnderItsName() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(), "CREATE TABLE u(id INTEGER PRIMARY KEY); INSERT INTO u VALUES(1)")) {
      long old = table(test.install(true), "u").id();
      test.app(
          "ALTER TABLE u RENAME TO _u_old; CREATE TABLE u(id INTEGER PRIMARY KEY, x);"
              + "INSERT INTO u(id) SELECT id FROM _u_old");
      Hooks.Installed installed = test.install(true);
      assertThat(table(installed, "_u_old").id()).isEqualTo(old);
      assertThat(table(installed, "u").id()).isGreaterThan(old);
      assertThat(test.log()).containsExactly("u:1");
    }
  }

  @Test
  void install_droppedAndCreatedAgainGetsANewIdThatWasNeverUsed() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(), "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)")) {
      test.app("INSERT INTO t VALUES(2); DROP TABLE t");
      test.install(true);
      test.app("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(3)");
      assertThat(table(test.install(true), "t").id()).isEqualTo(2);
      assertThat(test.log()).containsExactly("?:2", "t:3");
    }
  }

  @Test
  void install_columnThatHidesTheRowidMakesANewId() throws SQLException {
    try (TestFile test = TestFile.hooked(path(), "CREATE TABLE t(a); INSERT INTO t VALUES(1)")) {
      test.app("ALTER TABLE t ADD COLUMN rowid; UPDATE t SET rowid='oops'");
      Hooks.Installed installed = test.install(true);
      assertThat(table(installed, "t").id()).isEqualTo(2);
      assertThat(table(installed, "t").rowidName()).contains("_rowid_");
      assertThat(test.logOf("UPDATE t SET rowid='x'")).containsExactly("t:1");
    }
  }

  @Test
  void install_indexesThatComeAndGoChangeTheProbes() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(), "CREATE TABLE t(id INTEGER PRIMARY KEY, e); INSERT INTO t VALUES(1,1)")) {
      test.app("CREATE UNIQUE INDEX u ON t(e)");
      assertThat(test.install(true).hooked()).containsExactly("t");
      assertThat(test.logOf("REPLACE INTO t VALUES(2,1)")).containsExactlyInAnyOrder("t:2", "t:1");
      test.app("DROP INDEX u");
      assertThat(test.install(true).loggedRows()).isZero();
      assertThat(test.query("SELECT name FROM sqlite_schema WHERE type='trigger' ORDER BY 1"))
          .containsExactly("__marmot_1_d", "__marmot_1_i", "__marmot_1_u");
      assertThat(test.app("ALTER TABLE t DROP COLUMN e")).isEmpty();
    }
  }

  @Test
  void install_applicationDroppedOurTables() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(), "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)")) {
      test.app(
          "DROP TABLE __marmot_change_log; DROP TABLE __marmot_hooks; DROP TABLE __marmot_note");
      assertThat(test.app("INSERT INTO t VALUES(2)")).contains("no such table");
      Hooks.Installed installed = test.hooks.install(test.connection, true, 41);
      assertThat(installed.loggedRows()).isEqualTo(1);
      assertThat(test.log()).containsExactly("?:NULL", "t:1");
      assertThat(test.query("SELECT seq FROM __marmot_change_log")).containsExactly("42", "43");
      test.app("CREATE TABLE n(a)");
      assertThat(table(test.install(true), "n").id()).isEqualTo(2);
    }
  }

  @Test
  void install_oneTriggerDroppedLogsAllRowsUnderTheSameId() throws SQLException {
    try (TestFile test =
        TestFile.hooked(
            path(), "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)")) {
      test.app("DROP TRIGGER __marmot_1_d; INSERT INTO t VALUES(2)");
      assertThat(test.install(true).loggedRows()).isEqualTo(2);
      assertThat(test.log()).containsExactly("t:2", "t:1", "t:2");
    }
  }

  @Test
  void install_excludedAndRefusedTablesLoseTheirHooks() throws SQLException {
    try (TestFile test = TestFile.hooked(path(), "CREATE TABLE t(a); CREATE TABLE u(a)")) {
      Hooks excluding = new Hooks(new SchemaReader(TablePatterns.of(List.of("T*"))));
      Hooks.Installed installed = excluding.install(test.connection, true, 0);
      assertThat(installed.unhooked()).containsExactly("t");
      assertThat(excluding.current(test.connection, installed.schema())).isTrue();
      assertThat(test.logOf("INSERT INTO t VALUES(1); INSERT INTO u VALUES(1)"))
          .containsExactly("u:1");
    }
  }

  @Test
  void current_noticesEveryChange() throws SQLException {
    try (TestFile test = TestFile.hooked(path(), "CREATE TABLE t(a)")) {
      Hooks.Installed installed = test.install(true);
      test.app("CREATE TABLE n(a)");
      assertThat(test.hooks.current(test.connection, installed.schema())).isFalse();
      assertThat(test.hooks.current(test.connection, new SchemaReader().read(test.connection)))
          .isFalse();
    }
  }

  private Path path() {
    return directory.resolve("app.db");
  }

  private static TableSchema table(Hooks.Installed installed, String name) {
    return Objects.requireNonNull(installed.schema().tables().get(name));
  }
}
