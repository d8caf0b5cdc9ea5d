package dev.marmot.sqlite.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.SqliteSnapshot;
import dev.marmot.sqlite.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SnapshotFileTest {
  private static final Instant TIME = Instant.parse("2026-11-22T05:00:00Z");

  @TempDir Path directory;

  private Connection open(Path file) throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + file);
  }

  private static String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? String.valueOf(rows.getString(1)) : "";
    }
  }

  private Map<String, String> save(Path target, boolean replace) throws SQLException {
    Path live = directory.resolve("live.db");
    boolean first = !Files.exists(live);
    try (Connection application = open(live);
        Statement statement = application.createStatement()) {
      if (first) {
        statement.execute("CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
        statement.execute("INSERT INTO t(v) VALUES('saved'),(-0.5),(x'00')");
      }
      try (SqliteReplicaStore store = SqliteReplicaStore.open(live, StoreOptions.defaults("n1"));
          StagedReplica staged = store.stage()) {
        store.meta("cluster", "shop");
        SnapshotInfo saved =
            SnapshotFile.save((SqliteSnapshot) staged.seal(), target, "0.9", TIME, replace);
        assertThat(SnapshotFile.inspect(target)).isEqualTo(saved);
        assertThat(saved.time()).isEqualTo(TIME);
        assertThat(saved.version()).isEqualTo("0.9");
        assertThat(saved.tables()).isEqualTo(store.digests());
        return saved.tables();
      }
    }
  }

  @Test
  void savedFile_isOrdinary_tellsWhatItIs_andMakesANewDatabase() throws Exception {
    Path backup = directory.resolve("backup.db");
    Map<String, String> tables = save(backup, false);
    try (Connection connection = open(backup)) {
      assertThat(text(connection, "SELECT group_concat(name) FROM sqlite_schema WHERE name<>'t'"))
          .isEqualTo("__marmot_backup,sqlite_autoindex___marmot_backup_1");
      assertThat(text(connection, "PRAGMA journal_mode")).isEqualTo("delete");
    }
    Path restored = directory.resolve("restored.db");

    SnapshotFile.restore(backup, restored);

    try (Connection connection = open(restored)) {
      assertThat(text(connection, "SELECT group_concat(name) FROM sqlite_schema")).isEqualTo("t");
    }
    try (SqliteReplicaStore store =
        SqliteReplicaStore.open(restored, StoreOptions.defaults("n1"))) {
      assertThat(store.digests()).isEqualTo(tables);
      assertThat(store.newestSeq()).isZero();
    }
    assertThatThrownBy(() -> SnapshotFile.restore(backup, restored))
        .hasMessageContaining("there is a file");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).noneMatch(file -> file.toString().endsWith(".new"));
    }
  }

  @Test
  void existingFile_isReplacedOnlyOnRequest() throws Exception {
    Path backup = directory.resolve("backup.db");
    Files.writeString(backup, "old");
    assertThatThrownBy(() -> save(backup, false)).hasMessageContaining("there is a file");
    assertThat(backup).hasContent("old");
    assertThat(save(backup, true)).containsOnlyKeys("t");
  }

  @Test
  void changedOrForeignFiles_areRefused() throws Exception {
    Path backup = directory.resolve("backup.db");
    save(backup, false);
    try (Connection connection = open(backup);
        Statement statement = connection.createStatement()) {
      statement.execute("UPDATE t SET v=0.5 WHERE v=-0.5");
    }
    assertThatThrownBy(() -> SnapshotFile.inspect(backup)).hasMessageContaining("[t]");
    assertThatThrownBy(() -> SnapshotFile.inspect(directory.resolve("live.db")))
        .hasMessageContaining("did not write it");
    assertThatThrownBy(() -> SnapshotFile.inspect(directory.resolve("none")))
        .hasMessageContaining("no such file");
  }
}
