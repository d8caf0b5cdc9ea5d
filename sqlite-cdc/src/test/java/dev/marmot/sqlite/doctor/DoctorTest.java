package dev.marmot.sqlite.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.doctor.Report.Finding;
import dev.marmot.sqlite.doctor.Report.Level;
import dev.marmot.sqlite.hooks.Cleanup;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.DatabaseFileException;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  @TempDir Path directory;

  private Path file(String... statements) throws SQLException {
    Path file = directory.resolve("app.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
    return file;
  }

  private static Report examine(Path file, String... excluded) {
    return new Doctor(TablePatterns.of(List.of(excluded)), true).examine(file);
  }

  private static List<String> whats(Report report, Level level) {
    return report.findings().stream()
        .filter(f -> f.level() == level)
        .map(f -> f.subject() + ": " + f.what())
        .toList();
  }

  @Test
  void plainFile_isFine_andIsNotTouched() throws SQLException, IOException {
    Path file =
        file("CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v)", "INSERT INTO t VALUES('a',1)");
    byte[] before = Files.readAllBytes(file);

    Report report = examine(file);

    assertThat(report.replicates()).isTrue();
    assertThat(report.replicated()).containsExactly("t");
    assertThat(whats(report, Level.WARNING)).isEmpty();
    assertThat(report.facts())
        .containsEntry("journal_mode", "delete")
        .containsEntry("encoding", "UTF-8")
        .containsEntry("quick_check", "ok")
        .containsEntry("marmot", "never replicated");
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    try (var files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void indexWhoseFunctionsAreMissing_isNamed_andReplicates() throws SQLException {
    Report report =
        examine(
            file(
                "CREATE TABLE p(fid INTEGER PRIMARY KEY, geom BLOB)",
                "CREATE VIRTUAL TABLE rtree_p_geom USING rtree(id, minx, maxx, miny, maxy)",
                "CREATE TRIGGER rtree_p_geom_insert AFTER INSERT ON p WHEN NOT ST_IsEmpty(NEW.geom)"
                    + " BEGIN INSERT OR REPLACE INTO rtree_p_geom"
                    + " VALUES(NEW.fid, coalesce(ST_MinX(NEW.geom),0), 0, 0, 0); END"));
    assertThat(report.replicates()).isTrue();
    assertThat(report.replicated()).containsExactly("p");
    assertThat(whats(report, Level.WARNING))
        .anySatisfy(
            what ->
                assertThat(what)
                    .startsWith(
                        "table p: its trigger rtree_p_geom_insert calls st_isempty, st_minx,"
                            + " which Marmot does not have"));
  }

  @Test
  void tablesOfOtherReplicators_areNamed_andNoProblem() throws SQLException {
    Report report =
        examine(
            file(
                "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL)",
                "CREATE TABLE _litestream_lock(id INTEGER)"));
    assertThat(report.replicates()).isTrue();
    assertThat(report.replicated()).containsExactly("t");
    assertThat(whats(report, Level.NOTE))
        .contains(
            "table _litestream_lock: it belongs to Litestream and says where this one file stands,"
                + " so it is left out");
  }

  @Test
  void everythingThatMatters_isNamed() throws SQLException {
    Path file =
        file(
            "PRAGMA encoding='UTF-16le'",
            "CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
            "CREATE TABLE nokey(v)",
            "CREATE TABLE nulls(k TEXT PRIMARY KEY, v)",
            "INSERT INTO nulls VALUES(NULL,1)",
            "CREATE TABLE hidden(rowid, _rowid_, oid)",
            "CREATE TABLE gen(k TEXT PRIMARY KEY NOT NULL, a, g AS (a+1) UNIQUE)",
            "CREATE TABLE parent(k TEXT PRIMARY KEY NOT NULL)",
            "CREATE TABLE child(k TEXT PRIMARY KEY NOT NULL, p REFERENCES parent(k))",
            "INSERT INTO child VALUES('c','gone')",
            "CREATE VIRTUAL TABLE ft USING fts5(v)",
            "CREATE TABLE doc(k TEXT PRIMARY KEY NOT NULL, v)",
            "CREATE VIRTUAL TABLE doc_ft USING fts5(v)",
            "CREATE TRIGGER doc_i AFTER INSERT ON doc BEGIN INSERT INTO doc_ft VALUES(new.v); END",
            "CREATE TRIGGER doc_d AFTER DELETE ON doc BEGIN UPDATE auto SET v=1; END",
            "CREATE TABLE sessions(v)");

    Report report = examine(file, "SESSION?");

    assertThat(report.replicates()).isFalse();
    assertThat(report.replicated())
        .containsExactly("auto", "child", "doc", "gen", "nokey", "parent");
    assertThat(whats(report, Level.PROBLEM))
        .hasSize(3)
        .anyMatch(w -> w.startsWith("table ft: it is not replicated: it is a virtual table"))
        .anyMatch(
            w -> w.startsWith("table hidden: it is not replicated: it declares no primary key"))
        .anyMatch(w -> w.startsWith("table nulls: it is not replicated: rows of it have NULL"));
    assertThat(whats(report, Level.WARNING))
        .hasSize(4)
        .anyMatch(w -> w.startsWith("file: its encoding is UTF-16le"))
        .anyMatch(w -> w.startsWith("file: rows refer to rows that are missing: child (1)"))
        .anyMatch(w -> w.startsWith("table auto: its INTEGER PRIMARY KEY AUTOINCREMENT is chosen"))
        .anyMatch(w -> w.startsWith("table nokey: it declares no primary key"));
    assertThat(whats(report, Level.NOTE))
        .anyMatch(w -> w.startsWith("table gen: where two nodes give its UNIQUE columns the same"))
        .anyMatch(
            w -> w.startsWith("file: it is in journal mode delete; Marmot switches it to WAL"))
        .anyMatch(w -> w.startsWith("application: without a busy timeout"))
        .anyMatch(w -> w.startsWith("application: a transaction that reads first"))
        .anyMatch(w -> w.startsWith("application: PRAGMA locking_mode=EXCLUSIVE keeps Marmot out"))
        .anyMatch(w -> w.contains("doc_i keeps a search index and runs on every node"))
        .anyMatch(w -> w.contains("doc_d runs where the application writes"));
    assertThat(report.findings().stream().filter(f -> f.level() != Level.NOTE))
        .extracting(Finding::advice)
        .doesNotContain("");
  }

  @Test
  void fileWithoutTables_isAProblem() throws SQLException {
    assertThat(whats(examine(file("CREATE VIEW v AS SELECT 1")), Level.PROBLEM))
        .containsExactly("file: no table of it replicates");
  }

  @Test
  void longReader_isNamedWhileItKeepsTheWal_andWhatItLeavesIsNot() throws Exception {
    Path file = file("PRAGMA journal_mode=WAL", "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v)");
    try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement reading = reader.createStatement();
        Connection writer = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement writing = writer.createStatement()) {
      reading.execute("BEGIN");
      reading.execute("SELECT count(*) FROM t");
      writing.execute("PRAGMA synchronous=OFF");
      writing.execute("INSERT INTO t VALUES('big', zeroblob(70<<20))");

      Report report = examine(file);
      String large =
          "table t: 1 rows have values of more than 8388608 bytes: changes of them are not sent";
      assertThat(whats(report, Level.WARNING))
          .hasSize(2)
          .contains(large)
          .anyMatch(
              w ->
                  w.matches(
                      "file: 1[78]\\d{3} pages of its WAL cannot be copied into it: a reader .*"));
      assertThat(Long.parseLong(report.facts().get("wal_pages_waiting"))).isGreaterThan(17_000);

      reading.execute("COMMIT");
      writing.execute("INSERT INTO t VALUES('small', 1)");
      report = examine(file);
      assertThat(whats(report, Level.WARNING)).containsExactly(large);
      assertThat(whats(report, Level.NOTE))
          .anyMatch(w -> w.matches("file: its WAL takes \\d+ MiB of the disk, nearly all .*"));
      assertThat(report.facts()).containsEntry("wal_pages_waiting", "0");
    }
  }

  @Test
  void rowsWithoutKey_thatCameLater_areCounted() throws SQLException {
    Path file = file("CREATE TABLE t(k TEXT PRIMARY KEY, v)");
    try (SqliteReplicaStore store = SqliteReplicaStore.open(file, StoreOptions.defaults("n1"))) {
      assertThat(store.warnings()).isEmpty();
    }
    var unused = file("INSERT INTO t VALUES(NULL,1),(NULL,2)");

    Report report = examine(file);

    assertThat(whats(report, Level.WARNING))
        .containsExactly("table t: 2 rows have NULL in the primary key and do not replicate");
    assertThat(report.facts().get("marmot")).startsWith("node ? at position -1, 2 rows");
  }

  @Test
  void leftoversOfTheOldMarmot_areNamed_andCleanupRemovesThem() throws SQLException {
    Path file =
        file(
            "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL)",
            "CREATE TABLE __marmot__t_change_log(id INTEGER PRIMARY KEY AUTOINCREMENT, val_k TEXT,"
                + " type TEXT, created_at INTEGER, state INTEGER)",
            "CREATE INDEX __marmot__t_change_log_state_index ON __marmot__t_change_log(state)",
            "CREATE TRIGGER __marmot__t_change_log_on_insert AFTER INSERT ON t BEGIN"
                + " INSERT INTO __marmot__t_change_log(val_k,type) VALUES(new.k,'insert'); END");

    Report report = examine(file);

    assertThat(whats(report, Level.PROBLEM))
        .singleElement()
        .asString()
        .contains("Marmot 0.3 to 0.8 (__marmot__t_change_log, __marmot__t_change_log_on_insert)");
    assertThat(report.findings().get(0).advice()).contains("marmot cleanup --db-path");

    assertThat(new Cleanup(new DatabaseFile(file, Duration.ofSeconds(1))).run().removed())
        .isEqualTo(3);
    assertThat(examine(file).replicates()).isTrue();
  }

  @Test
  void fileThatIsNone_saysSo() throws IOException {
    Path file =
        Files.writeString(directory.resolve("x.db"), "not a database, but long enough".repeat(99));

    assertThatThrownBy(() -> examine(file))
        .isInstanceOf(DatabaseFileException.class)
        .hasMessageContaining("it is not a SQLite database, or it is encrypted");
  }

  @Test
  void exclusiveHolder_isTheReason() throws SQLException {
    Path file = file("CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL)");
    try (Connection holder = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = holder.createStatement()) {
      statement.execute("PRAGMA locking_mode=EXCLUSIVE");
      statement.execute("INSERT INTO t VALUES('a')");

      assertThatThrownBy(() -> examine(file))
          .hasMessageContaining("another process has it locked")
          .hasMessageContaining("locking_mode=EXCLUSIVE");
    }
  }

  @Test
  void damagedFile_isAProblem() throws SQLException, IOException {
    Path file =
        file(
            "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)"
                + " INSERT INTO t SELECT 'k'||i, hex(randomblob(20)) FROM n");
    byte[] bytes = Files.readAllBytes(file);
    java.util.Arrays.fill(bytes, 3 * 4096, 3 * 4096 + 200, (byte) 7);
    Files.write(file, bytes);

    assertThat(whats(examine(file), Level.PROBLEM))
        .singleElement()
        .asString()
        .startsWith("file: it is damaged");
  }
}
