package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.schema.SchemaReader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cleaned file beside a twin that never met Marmot. */
class CleanupTest {
  private static final String SCHEMA =
      """
      CREATE TABLE "a table"(id INTEGER PRIMARY KEY AUTOINCREMENT, e TEXT UNIQUE); -- comment
      CREATE TABLE keyless ( x , y );
      CREATE UNIQUE INDEX   ku ON keyless(x) WHERE y>0;
      CREATE TABLE xxmarmot_near(a, b, c, PRIMARY KEY(a,b,c)) WITHOUT ROWID;
      CREATE VIRTUAL TABLE f USING fts5(e);
      CREATE TRIGGER ai AFTER INSERT ON "a table" BEGIN INSERT INTO f VALUES(new.e); END;
      CREATE VIEW v AS SELECT * FROM keyless;
      ANALYZE;
      """;
  private static final String WRITES =
      """
      INSERT INTO "a table"(e) VALUES('one'),('two'),('three');
      DELETE FROM "a table" WHERE e='three';
      INSERT INTO keyless VALUES(1,1),(2,2),(3,0); DELETE FROM keyless WHERE x=1;
      REPLACE INTO keyless VALUES(2,5);
      INSERT INTO xxmarmot_near VALUES(1,2,3);
      ALTER TABLE keyless ADD COLUMN z DEFAULT 7;
      """;
  private static final String DUMP =
      """
      SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY rowid;
      SELECT rowid,* FROM "a table"; SELECT rowid,* FROM keyless; SELECT * FROM xxmarmot_near;
      SELECT * FROM f; SELECT * FROM sqlite_sequence; SELECT * FROM sqlite_stat1;
      PRAGMA integrity_check; PRAGMA journal_mode; PRAGMA encoding; PRAGMA user_version;
      """;

  @TempDir Path directory;

  @Test
  void run_leavesAFileThatNeverMetMarmot() throws SQLException {
    Path twin = directory.resolve("twin.db");
    Path path = directory.resolve("app.db");
    TestFile.shell(twin, SCHEMA + WRITES + "ANALYZE;");
    TestFile.shell(path, SCHEMA);
    DatabaseFile file = file(path);
    try (Connection connection = file.connect()) {
      assertThat(file.useWal(connection)).contains("delete");
      assertThat(file.useWal(connection)).isEmpty();
      new Hooks(new SchemaReader()).install(connection, false, 0);
      assertThat(TestFile.shell(path, WRITES + "ANALYZE;")).doesNotContain("rror");
      assertThat(TestFile.shell(path, "PRAGMA journal_mode")).isEqualTo("wal");
    }
    Cleanup.Cleaned cleaned = new Cleanup(file).run();
    assertThat(cleaned.removed()).isGreaterThan(10);
    assertThat(cleaned.journalMode()).isEqualTo("delete");
    assertThat(TestFile.shell(path, DUMP)).isEqualTo(TestFile.shell(twin, DUMP));
    assertThat(TestFile.shell(path, ".dump")).isEqualTo(TestFile.shell(twin, ".dump"));
    assertThat(new Cleanup(file).run().removed()).isZero();
  }

  @Test
  void run_keepsWalModeOfAFileThatWasInIt() throws SQLException {
    Path path = directory.resolve("wal.db");
    try (TestFile test = TestFile.hooked(path, "CREATE TABLE t(a)")) {
      assertThat(test.file.useWal(test.connection)).isEmpty();
    }
    // As if an earlier cleanup had been killed half way.
    TestFile.shell(path, "PRAGMA journal_mode=delete");
    assertThat(new Cleanup(file(path)).run().journalMode()).isEqualTo("wal");
    assertThat(TestFile.shell(path, "PRAGMA journal_mode; SELECT sql FROM sqlite_schema"))
        .isEqualTo("wal\nCREATE TABLE t(a)");
  }

  @Test
  void run_fileInUse_saysSoAndChangesNothing() throws SQLException {
    Path path = directory.resolve("used.db");
    try (TestFile user = TestFile.hooked(path, "CREATE TABLE t(a)")) {
      int before = user.query("SELECT name FROM sqlite_schema").size();
      assertThatThrownBy(() -> new Cleanup(file(path)).run())
          .isInstanceOf(DatabaseFileException.class)
          .hasMessageContaining("another process has it open");
      assertThat(user.query("SELECT name FROM sqlite_schema")).hasSize(before);
      assertThat(user.query("PRAGMA journal_mode")).containsExactly("wal");
    }
  }

  @Test
  void run_leavesTablesOfTheApplication_whateverTheirNames() throws SQLException {
    Path path = directory.resolve("names.db");
    TestFile.hooked(path, "CREATE TABLE t(a); CREATE TABLE __marmot_notes(a)").close();
    assertThat(new Cleanup(file(path)).run().removed()).isPositive();
    assertThat(TestFile.shell(path, "SELECT group_concat(name) FROM sqlite_schema").strip())
        .isEqualTo("t,__marmot_notes");
  }

  @Test
  void run_fileWithoutMarmot_removesNothing() {
    Path path = directory.resolve("plain.db");
    TestFile.shell(path, "CREATE TABLE t(a)");
    assertThat(new Cleanup(file(path)).run()).isEqualTo(new Cleanup.Cleaned(0, "delete"));
  }

  private static DatabaseFile file(Path path) {
    return new DatabaseFile(path, Duration.ofMillis(200));
  }
}
