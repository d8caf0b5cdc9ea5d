package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sqlite3 tool sees the same answers with hooks as without: values, counts, errors. */
class UndisturbedTest {
  private static final String SCHEMA =
      """
      CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, u TEXT UNIQUE, v NOT NULL CHECK(v<>13));
      CREATE TABLE child(id INTEGER PRIMARY KEY, t REFERENCES t(id) ON DELETE CASCADE);
      CREATE TABLE w(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID;
      CREATE TABLE nokey(x);
      CREATE VIEW shown AS SELECT id, u FROM t;
      CREATE TRIGGER into_view INSTEAD OF INSERT ON shown
        BEGIN INSERT INTO t(u, v) VALUES(new.u, 1); END;
      CREATE TABLE audit(id INTEGER PRIMARY KEY, what);
      CREATE TRIGGER audited AFTER UPDATE ON t
        BEGIN INSERT INTO audit(what) VALUES(new.id); END;
      INSERT INTO t VALUES(1,'a',1),(2,'b',2),(3,'c',3);
      INSERT INTO child VALUES(1,1),(2,1),(3,2);
      """;
  private static final String COUNTS = ";SELECT 'changes',changes(),'rowid',last_insert_rowid();";

  @TempDir Path directory;

  private static String statements(String sql, boolean hooked, Path file) throws SQLException {
    String all = "PRAGMA foreign_keys=ON;" + sql + COUNTS;
    try (TestFile test = hooked ? TestFile.hooked(file, SCHEMA) : TestFile.plain(file, SCHEMA)) {
      return TestFile.shell(test.file.path(), ".bail off\n" + all)
          + "\n"
          + test.query(
              "SELECT id||quote(u)||v FROM t UNION ALL SELECT 'c'||id FROM child"
                  + " UNION ALL SELECT quote(a)||quote(b) FROM w UNION ALL SELECT 'a'||id FROM audit"
                  + " UNION ALL SELECT quote(x)||rowid FROM nokey");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "INSERT INTO t(u,v) VALUES('x',1),('y',2) RETURNING id, u",
        "INSERT INTO t(u,v) VALUES('a',1)",
        "INSERT OR IGNORE INTO t(u,v) VALUES('a',1)",
        "INSERT OR REPLACE INTO t(u,v) VALUES('a',1) RETURNING id",
        "REPLACE INTO t VALUES(2,'c',9)",
        "INSERT INTO t VALUES(1,'z',5) ON CONFLICT(id) DO UPDATE SET v=excluded.v RETURNING v",
        "INSERT INTO t(u,v) VALUES('a',5) ON CONFLICT DO NOTHING RETURNING v",
        "INSERT INTO t(u,v) VALUES('n',NULL)",
        "INSERT INTO t(u,v) VALUES('k',13)",
        "INSERT OR FAIL INTO t(u,v) VALUES('p',1),('a',2),('q',3)",
        "BEGIN; INSERT OR ROLLBACK INTO t(u,v) VALUES('p',1),('a',2)",
        "UPDATE t SET v=v+1 RETURNING id, v",
        "UPDATE t SET u='b' WHERE id=1",
        "UPDATE OR REPLACE t SET u='b' WHERE id=1",
        "UPDATE OR IGNORE t SET u='b'",
        "UPDATE t SET id=id+10",
        "DELETE FROM t WHERE id=1 RETURNING u",
        "DELETE FROM t",
        "INSERT INTO child VALUES(9,99)",
        "INSERT INTO shown VALUES(NULL,'through the view')",
        "INSERT INTO w VALUES(1,2); INSERT INTO w VALUES(1,2)",
        "INSERT INTO nokey VALUES(1),(2); DELETE FROM nokey WHERE rowid=1; INSERT INTO nokey VALUES(3)",
        "SAVEPOINT s; INSERT INTO t(u,v) VALUES('s',1); ROLLBACK TO s; RELEASE s",
        "INSERT INTO t(u,v) SELECT u||'2',v FROM t",
      })
  void statement_answersAsWithoutHooks(String sql) throws SQLException {
    assertThat(statements(sql, true, directory.resolve("hooked.db")))
        .isEqualTo(statements(sql, false, directory.resolve("plain.db")));
  }

  @Test
  void totalChanges_countsTheHooksToo() throws SQLException {
    try (TestFile test = TestFile.hooked(directory.resolve("t.db"), SCHEMA)) {
      assertThat(test.app("INSERT INTO nokey VALUES(1),(2); SELECT changes(), total_changes()"))
          .as("documented in limits.md")
          .isEqualTo("2|4");
      assertThat(List.of(test.app("SELECT count(*) FROM nokey"))).containsExactly("2");
    }
  }
}
