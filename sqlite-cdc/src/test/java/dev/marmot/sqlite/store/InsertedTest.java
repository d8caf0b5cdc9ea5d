package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which captured images say that their row was new. */
class InsertedTest {
  @TempDir Path directory;

  private static String insertedAfter(Replica replica, String... statements) throws SQLException {
    StringBuilder text = new StringBuilder();
    replica
        .run(statements)
        .capture()
        .orElseThrow()
        .rows()
        .forEach(row -> text.append(row.inserted() ? 'i' : '-'));
    replica.publish();
    return text.toString();
  }

  @Test
  void onlyRowsWhoseFirstChangeIsAnInsert() throws SQLException {
    try (Replica a = Replica.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)")) {
      assertThat(insertedAfter(a, "INSERT INTO t VALUES(1,1)")).isEqualTo("i");
      assertThat(insertedAfter(a, "UPDATE t SET v=2")).isEqualTo("-");
      assertThat(insertedAfter(a, "INSERT INTO t VALUES(2,1)", "UPDATE t SET v=3 WHERE id=2"))
          .isEqualTo("i");
      assertThat(insertedAfter(a, "DELETE FROM t WHERE id=1", "INSERT INTO t VALUES(1,9)"))
          .isEqualTo("-");
      assertThat(
              insertedAfter(
                  a, "INSERT INTO t VALUES(1,1) ON CONFLICT(id) DO UPDATE SET v=excluded.v"))
          .isEqualTo("-");
      assertThat(insertedAfter(a, "INSERT INTO t VALUES(3,1)", "DELETE FROM t WHERE id=3"))
          .as("a tombstone")
          .isEqualTo("-");
      assertThat(insertedAfter(a, "REPLACE INTO t VALUES(1,4)"))
          .as("SQLite tells a trigger no difference")
          .isEqualTo("i");
    }
  }
}
