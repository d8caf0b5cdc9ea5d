package dev.marmot.sqlite.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the hooks log for statements of an application: exactly the changed keys. */
class HookLogTest {
  @TempDir Path directory;

  @Test
  void rowidTable_insertUpdateDeleteMove() throws SQLException {
    try (TestFile test = hooked("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")) {
      assertThat(test.logOf("INSERT INTO t VALUES(1,'x'),(2,'y')")).containsExactly("t:1", "t:2");
      assertThat(test.logOf("UPDATE t SET a='z' WHERE id=1")).containsExactly("t:1");
      assertThat(test.logOf("UPDATE t SET rowid=5 WHERE id=1")).containsExactly("t:5", "t:1");
      assertThat(test.logOf("UPDATE OR REPLACE t SET id=2 WHERE id=5"))
          .containsExactly("t:2", "t:5");
      assertThat(test.logOf("DELETE FROM t")).containsExactly("t:2");
      assertThat(test.logOf("INSERT INTO t VALUES(9223372036854775807,1),(-9223372036854775808,2)"))
          .containsExactly("t:9223372036854775807", "t:-9223372036854775808");
    }
  }

  @Test
  void noOpStatementsAndRollbacksLogNothing() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e TEXT UNIQUE); INSERT INTO t VALUES(1,'a')")) {
      assertThat(test.logOf("INSERT OR IGNORE INTO t VALUES(1,'b'),(2,'a')")).isEmpty();
      assertThat(test.logOf("INSERT INTO t VALUES(2,'a') ON CONFLICT DO NOTHING")).isEmpty();
      assertThat(test.logOf("BEGIN; INSERT INTO t VALUES(3,'c'); ROLLBACK")).isEmpty();
      assertThat(test.logOf("UPDATE OR IGNORE t SET e='a' WHERE id=9")).isEmpty();
      // What a no-op noted is forgotten by the next statement, not logged.
      assertThat(test.logOf("INSERT INTO t VALUES(4,'d')")).containsExactly("t:4");
      assertThat(test.query("SELECT count(*) FROM __marmot_note")).containsExactly("0");
    }
  }

  @Test
  void notedRowThatIsDeletedOrMoved_isLoggedOnce() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(k TEXT, n, e UNIQUE, PRIMARY KEY(k COLLATE NOCASE, n));"
                + "INSERT INTO t VALUES('a',1,1),('b',2,2),('c',3,3)")) {
      assertThat(test.logOf("INSERT OR IGNORE INTO t VALUES('x',9,1),('x',9,2),('x',9,3)"))
          .isEmpty();
      assertThat(test.logOf("DELETE FROM t WHERE e=1")).containsExactly("t:'a',1");
      // Notes of other rows stay: the statement that made them may not be over.
      assertThat(test.query("SELECT k0 FROM __marmot_note")).containsExactly("b", "c");
      assertThat(test.logOf("UPDATE t SET n=8 WHERE e=2")).containsExactly("t:'b',8", "t:'b',2");
      assertThat(test.query("SELECT count(*) FROM __marmot_note")).containsExactly("0");
      assertThat(test.logOf("INSERT OR IGNORE INTO t VALUES('x',9,3)")).isEmpty();
      assertThat(test.logOf("DELETE FROM t WHERE e=3")).containsExactly("t:'c',3");
      assertThat(test.logOf("INSERT INTO t VALUES('z',9,9)")).containsExactly("t:'z',9");
    }
  }

  @Test
  void noteWhoseRowIsDeletedBeforeTheCheck_isLoggedOnce() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e UNIQUE, f UNIQUE);"
                + "INSERT INTO t VALUES(1,'a',1),(2,'b',2);"
                + "CREATE TRIGGER x BEFORE INSERT ON t BEGIN DELETE FROM t WHERE id=1; END")) {
      assertThat(test.logOf("REPLACE INTO t VALUES(3,'a',2)"))
          .containsExactlyInAnyOrder("t:1", "t:3", "t:2");
    }
  }

  @Test
  void displacedRowsAreLogged() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e TEXT UNIQUE COLLATE NOCASE, f UNIQUE);"
                + "INSERT INTO t VALUES(1,'a',1),(2,'b',2),(3,'c',3),(4,'d',4)")) {
      assertThat(test.logOf("INSERT OR REPLACE INTO t VALUES(9,'A',2)"))
          .containsExactlyInAnyOrder("t:9", "t:1", "t:2");
      assertThat(test.logOf("UPDATE OR REPLACE t SET f=7 WHERE id IN (3,4)"))
          .containsExactlyInAnyOrder("t:3", "t:4", "t:3");
      assertThat(test.logOf("REPLACE INTO t VALUES(4,'d',7)")).containsExactly("t:4");
      assertThat(test.logOf("INSERT INTO t VALUES(8,'D',1) ON CONFLICT(e) DO UPDATE SET f=5"))
          .containsExactly("t:4");
    }
  }

  @Test
  void replacedThenMoved_logsAll() throws SQLException {
    try (TestFile test =
        hooked("CREATE TABLE t(id INTEGER PRIMARY KEY, e UNIQUE); INSERT INTO t VALUES(1,'a')")) {
      assertThat(
              test.logOf(
                  "BEGIN; REPLACE INTO t VALUES(2,'a'); UPDATE t SET id=3 WHERE id=2; COMMIT"))
          .containsExactlyInAnyOrder("t:2", "t:1", "t:3", "t:2");
    }
  }

  @Test
  void recursiveTriggersAndTrustedSchemaOff() throws SQLException {
    try (TestFile test =
        hooked("CREATE TABLE t(id INTEGER PRIMARY KEY, e UNIQUE); INSERT INTO t VALUES(1,'a')")) {
      assertThat(
              test.logOf(
                  "PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON;"
                      + "REPLACE INTO t VALUES(2,'a')"))
          .containsOnly("t:1", "t:2");
      assertThat(test.app("INSERT INTO t VALUES(7,'r') RETURNING id, e")).isEqualTo("7|r");
      assertThat(test.log()).endsWith("t:7");
    }
  }

  @Test
  void partialUnique_rowMadeLiveByAnotherColumn() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e, live);"
                + "CREATE UNIQUE INDEX u ON t(e) WHERE live=1 -- only those\n;"
                + "INSERT INTO t VALUES(1,'a',1),(2,'a',0)")) {
      assertThat(test.logOf("INSERT OR REPLACE INTO t VALUES(3,'a',0)")).containsExactly("t:3");
      assertThat(test.logOf("UPDATE OR REPLACE t SET live=1 WHERE id=2"))
          .containsExactlyInAnyOrder("t:2", "t:1");
    }
  }

  @Test
  void expressionAndGeneratedUnique() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE \"t 1\"(id INTEGER PRIMARY KEY, e, \"the f\", g AS (\"the f\" % 10));"
                + "CREATE UNIQUE INDEX u ON \"t 1\"(lower(e), \"the f\" / 10 COLLATE NOCASE DESC);"
                + "CREATE UNIQUE INDEX v ON \"t 1\"(g);"
                + "INSERT INTO \"t 1\"(id,e,\"the f\") VALUES(1,'a',11),(2,'b',22),(3,'c',33)")) {
      assertThat(test.logOf("REPLACE INTO \"t 1\"(id,e,\"the f\") VALUES(4,'A',14)"))
          .containsExactlyInAnyOrder("t 1:4", "t 1:1");
      assertThat(test.logOf("UPDATE OR REPLACE \"t 1\" SET \"the f\"=92 WHERE id=3"))
          .containsExactlyInAnyOrder("t 1:3", "t 1:2");
      String probe =
          String.join(
              "", test.query("SELECT sql FROM sqlite_schema WHERE name GLOB '__marmot_*_q0i'"));
      String select =
          probe
              .substring(probe.indexOf("SELECT 1,"), probe.indexOf("; END"))
              .replaceAll("NEW\\.\"[^\"]*\"", "1");
      assertThat(test.app("EXPLAIN QUERY PLAN " + select))
          .contains("INDEX u (<expr>=? AND <expr>=?)");
    }
  }

  @Test
  void declaredKey_explicitRowidDisplaces() throws SQLException {
    try (TestFile test =
        hooked("CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES('old',1),('two',2)")) {
      assertThat(test.logOf("INSERT OR REPLACE INTO t(rowid,k,v) VALUES(1,'new',1)"))
          .containsExactlyInAnyOrder("t:'new'", "t:'old'");
      assertThat(test.logOf("UPDATE OR REPLACE t SET rowid=1 WHERE k='two'"))
          .containsExactlyInAnyOrder("t:'two'", "t:'new'");
      assertThat(test.logOf("UPDATE t SET v=3")).containsExactly("t:'two'");
    }
  }

  @Test
  void compositeKeysWithCollationsOfTheirIndex() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(a TEXT COLLATE NOCASE, b, c UNIQUE, PRIMARY KEY(a COLLATE BINARY, b));"
                + "INSERT INTO t VALUES('x',1,1)")) {
      // Equal by the column's collation, another key by the index's.
      assertThat(test.logOf("UPDATE t SET a='X'")).containsExactly("t:'X',1", "t:'x',1");
      assertThat(test.logOf("REPLACE INTO t VALUES('x',2,1)"))
          .containsExactlyInAnyOrder("t:'x',2", "t:'X',1");
    }
  }

  @Test
  void withoutRowid() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE \"se\"\"lect\"(\"a b\" TEXT, ö, u UNIQUE, PRIMARY KEY(ö,\"a b\"))"
                + " WITHOUT ROWID; INSERT INTO \"se\"\"lect\" VALUES('p',1,1),('q',2,2)")) {
      assertThat(test.logOf("UPDATE OR REPLACE \"se\"\"lect\" SET u=1, ö=3 WHERE ö=2"))
          .containsExactlyInAnyOrder("se\"lect:3,'q'", "se\"lect:2,'q'", "se\"lect:1,'p'");
      assertThat(test.logOf("DELETE FROM \"se\"\"lect\"")).containsExactly("se\"lect:3,'q'");
    }
  }

  @Test
  void userTriggerThatWritesAnotherTableBetweenNoteAndCheck() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e UNIQUE);"
                + "CREATE TABLE u(id INTEGER PRIMARY KEY, e UNIQUE);"
                + "INSERT INTO t VALUES(1,'a'); INSERT INTO u VALUES(1,'a'),(2,'b');"
                + "CREATE TRIGGER tb BEFORE INSERT ON t BEGIN UPDATE u SET e=e||'x' WHERE id=2;"
                + " END;"
                + "CREATE TRIGGER ta AFTER INSERT ON t BEGIN REPLACE INTO u VALUES(5,'a'); END")) {
      assertThat(test.logOf("REPLACE INTO t VALUES(2,'a')"))
          .containsExactlyInAnyOrder("u:2", "t:2", "t:1", "u:5", "u:1");
    }
  }

  @Test
  void foreignKeyCascades() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(1);"
                + "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);"
                + "INSERT INTO c VALUES(7,1)")) {
      assertThat(test.logOf("PRAGMA foreign_keys=ON; DELETE FROM p"))
          .containsExactlyInAnyOrder("p:1", "c:7");
    }
  }

  @Test
  void guardKeepsTheProbesQuiet() throws SQLException {
    try (TestFile test =
        hooked(
            "CREATE TABLE t(k TEXT PRIMARY KEY, e UNIQUE); INSERT INTO t VALUES('a',1),('b',2)")) {
      assertThat(
              test.logOf(
                  "BEGIN; INSERT INTO __marmot_guard VALUES(1); REPLACE INTO t VALUES('c',1);"
                      + "DELETE FROM __marmot_guard; COMMIT"))
          .containsExactly("t:'c'");
      assertThat(test.query("SELECT count(*) FROM __marmot_note")).containsExactly("0");
    }
  }

  @Test
  void keyLessTableKeepsItsRowidsThroughVacuum() throws SQLException {
    try (TestFile test =
        hooked("CREATE TABLE t(a); INSERT INTO t VALUES('x'),('y'); DELETE FROM t WHERE a='x'")) {
      test.app("VACUUM");
      assertThat(test.query("SELECT rowid FROM t")).containsExactly("2");
      assertThat(test.logOf("INSERT INTO t VALUES('z')")).containsExactly("t:3");
    }
  }

  private TestFile hooked(String schema) throws SQLException {
    return TestFile.hooked(directory.resolve("app.db"), schema);
  }
}
