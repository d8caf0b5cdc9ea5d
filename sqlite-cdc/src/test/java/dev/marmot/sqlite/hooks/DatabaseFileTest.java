package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseFileTest {
  @TempDir Path directory;

  @Test
  void connect_missingFile_createsNothing() {
    Path path = directory.resolve("missing.db");
    assertThatThrownBy(() -> file(path).connect())
        .isInstanceOf(DatabaseFileException.class)
        .hasMessageContaining("no such file");
    assertThat(path).doesNotExist();
    assertThatThrownBy(() -> file(directory).connect()).hasMessageContaining("regular file");
  }

  @Test
  void connect_noDatabase() throws IOException {
    Path path = directory.resolve("text.db");
    Files.writeString(
        path, "this is no database, it is text, and rather long at that. ".repeat(40));
    assertThatThrownBy(() -> file(path).connect())
        .isInstanceOf(DatabaseFileException.class)
        .hasMessageContaining("not a SQLite database, or it is encrypted");
  }

  @ParameterizedTest
  @ValueSource(strings = {"what?mode=ro&x=1#y.db", "a b%20c'.db", "ünï.db", "file:x.db"})
  void connect_oddNames(String name) throws SQLException {
    Path path = directory.resolve(name);
    TestFile.shell(path, "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
    try (Connection connection = file(path).connect()) {
      assertThat(OwnTables.number(connection, "SELECT a FROM t")).isEqualTo(1);
      assertThat(OwnTables.number(connection, "PRAGMA busy_timeout")).isEqualTo(200);
    }
  }

  @Test
  void connectReadOnly_cannotWrite() throws SQLException {
    Path path = directory.resolve("ro.db");
    TestFile.shell(path, "CREATE TABLE t(a)");
    try (Connection connection = file(path).connectReadOnly();
        var statement = connection.createStatement()) {
      assertThatThrownBy(() -> statement.execute("INSERT INTO t VALUES(1)"))
          .isInstanceOf(SQLException.class);
    }
  }

  @Test
  void useWal_lockedFile_isRefusedClearly() throws SQLException {
    Path path = directory.resolve("locked.db");
    TestFile.shell(path, "CREATE TABLE t(a)");
    try (Connection holder = file(path).connect();
        Connection connection = file(path).connect();
        var statement = holder.createStatement()) {
      statement.execute("BEGIN EXCLUSIVE");
      assertThatThrownBy(() -> file(path).useWal(connection))
          .isInstanceOf(DatabaseFileException.class)
          .hasMessageContaining("another process has it locked");
      statement.execute("ROLLBACK");
      assertThat(file(path).useWal(connection)).contains("delete");
    }
  }

  @Test
  void connect_exclusiveHolder_isNamed() throws SQLException {
    Path path = directory.resolve("exclusive.db");
    TestFile.shell(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    try (Connection holder = file(path).connect();
        var statement = holder.createStatement()) {
      statement.execute("PRAGMA locking_mode=EXCLUSIVE");
      statement.execute("INSERT INTO t VALUES(1)");
      assertThatThrownBy(() -> file(path).connect())
          .isInstanceOf(DatabaseFileException.class)
          .hasMessageContaining("locking_mode=EXCLUSIVE");
    }
  }

  private static DatabaseFile file(Path path) {
    return new DatabaseFile(path, Duration.ofMillis(200));
  }
}
