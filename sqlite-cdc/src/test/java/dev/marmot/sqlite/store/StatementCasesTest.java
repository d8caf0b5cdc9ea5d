package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every way to write a row, with every conflict clause: the other file becomes equal. */
final class StatementCasesTest {
  private static final String ROWS =
      "INSERT INTO t VALUES(1,'a',10),(2,'b',20),(3,'c',30),(4,'d',40),(5,'e',50)";

  @TempDir Path directory;

  @Test
  void everyConflictClause() throws SQLException {
    try (Pair pair =
        new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v UNIQUE)")) {
      pair.together(ROWS)
          .write(
              "INSERT OR REPLACE INTO t VALUES(6,'a',20)",
              "INSERT OR IGNORE INTO t VALUES(7,'g',70),(6,'x',1),(8,'c',80)",
              "UPDATE OR REPLACE t SET u='same' WHERE id IN (3,4,5)",
              "UPDATE OR IGNORE t SET u='g' WHERE id=6",
              "INSERT INTO t VALUES(9,'g',1) ON CONFLICT(u) DO UPDATE SET v=excluded.v",
              "INSERT INTO t VALUES(7,'q',2) ON CONFLICT(id) DO NOTHING",
              "INSERT INTO t VALUES(7,'q',2) ON CONFLICT(u) DO NOTHING ON CONFLICT DO UPDATE SET u='up'",
              "REPLACE INTO t VALUES(7,'h',3)",
              "UPDATE OR REPLACE t SET id=7 WHERE id=6",
              "DELETE FROM t RETURNING id")
          .together(ROWS);
      assertThatThrownBy(() -> pair.a.run("INSERT OR FAIL INTO t VALUES(10,'j',1),(11,'a',2)"))
          .hasMessageContaining("UNIQUE");
      assertThatThrownBy(() -> pair.a.run("INSERT OR ABORT INTO t VALUES(12,'k',4),(13,'a',5)"))
          .hasMessageContaining("UNIQUE");
      pair.a.run("BEGIN", "INSERT INTO t VALUES(14,'l',6)");
      assertThatThrownBy(() -> pair.a.run("UPDATE OR ROLLBACK t SET u='a' WHERE id=2"))
          .hasMessageContaining("UNIQUE");
      pair.write("UPDATE t SET v=-v");
      assertThat(pair.query("SELECT id FROM t ORDER BY id")).isEqualTo("1\n2\n3\n4\n5\n10");
    }
  }

  /** Conflict clauses of the schema would drop or replace rows silently where rows are applied. */
  @Test
  void conflictClausesInTheSchema() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, u UNIQUE ON CONFLICT IGNORE,"
                + " v UNIQUE ON CONFLICT REPLACE)",
            "CREATE TABLE n(k TEXT PRIMARY KEY ON CONFLICT IGNORE,"
                + " x NOT NULL ON CONFLICT REPLACE DEFAULT 7, y UNIQUE ON CONFLICT FAIL)")) {
      pair.together(ROWS, "INSERT INTO n VALUES('a',NULL,1),('b',2,2)")
          .write(
              "INSERT INTO t VALUES(1,'z',11),(6,'b',60),(7,'f',30)",
              "UPDATE t SET v=v+10 WHERE id IN (4,5)",
              "UPDATE t SET u='f' WHERE id=1",
              "INSERT INTO n VALUES('a','not',9),('c',NULL,3)")
          .together(
              "UPDATE n SET y=-y",
              "UPDATE n SET y=CASE y WHEN -1 THEN 2 WHEN -2 THEN 1 ELSE 3 END");
      assertThat(pair.query("SELECT k,x,y FROM n ORDER BY k")).isEqualTo("a|7|2\nb|2|1\nc|7|3");
    }
  }

  @Test
  void partialAndExpressionIndexes() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, e TEXT, live, doc)",
            "CREATE UNIQUE INDEX tl ON t(e COLLATE NOCASE) WHERE live",
            "CREATE UNIQUE INDEX tx ON t(lower(e), live) WHERE live>1",
            "CREATE UNIQUE INDEX tj ON t(json_extract(doc,'$.a')) WHERE json_valid(doc)")) {
      pair.together("INSERT INTO t VALUES(1,'a',1,'{\"a\":1}'),(2,'A',0,'no json'),(3,'b',2,NULL)")
          .write(
              "UPDATE OR REPLACE t SET live=1 WHERE id=2",
              "INSERT OR REPLACE INTO t VALUES(4,'B',2,'also no json')",
              "INSERT INTO t VALUES(5,'c',0,'{\"a\":5}')")
          .together(
              "UPDATE t SET doc='{\"a\":6}' WHERE id=5",
              "INSERT INTO t VALUES(6,'d',0,'{\"a\":5}')",
              "UPDATE t SET e=e||'x' WHERE live")
          .write("INSERT OR REPLACE INTO t VALUES(7,'q',0,'{\"a\":5}')");
      assertThat(pair.query("SELECT id FROM t ORDER BY id")).isEqualTo("2\n4\n5\n7");
    }
  }

  /** Unique values change hands inside one change set; no row outside of it may go. */
  @Test
  void uniqueValuesInACycle_overSeveralIndexes() throws SQLException {
    try (Pair pair =
        new Pair(
            directory, "CREATE TABLE t(k TEXT PRIMARY KEY, u UNIQUE, v UNIQUE, w, UNIQUE(u,w))")) {
      pair.together("INSERT INTO t VALUES('a',1,1,0),('b',2,2,0),('c',3,3,0),('out',4,4,0)")
          .together(
              "UPDATE t SET u=-u, v=-v WHERE k<>'out'",
              "UPDATE t SET u=CASE k WHEN 'a' THEN 2 WHEN 'b' THEN 3 ELSE 1 END,"
                  + " v=CASE k WHEN 'a' THEN 3 WHEN 'b' THEN 1 ELSE 2 END WHERE k<>'out'",
              "INSERT INTO t VALUES('new',5,5,0)");
      assertThat(pair.query("SELECT k,u,v,rowid FROM t ORDER BY k"))
          .isEqualTo("a|2|3|1\nb|3|1|2\nc|1|2|3\nnew|5|5|5\nout|4|4|4");
    }
  }

  @Test
  void savepointsReturningTruncatingDelete_andBothKindsOfRecursion() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)")) {
      pair.together(
          "BEGIN",
          "INSERT INTO t VALUES(1,'a',1),(2,'b',2)",
          "SAVEPOINT s",
          "DELETE FROM t",
          "INSERT INTO t VALUES(3,'c',3)",
          "ROLLBACK TO s",
          "UPDATE t SET v=9 WHERE id=1",
          "RELEASE s",
          "COMMIT");
      assertThat(pair.a.query("INSERT INTO t VALUES(4,'d',4) RETURNING id, u")).isEqualTo("4|d");
      assertThat(pair.a.query("SELECT changes(), last_insert_rowid()")).isEqualTo("1|4");
      assertThat(pair.a.query("INSERT OR REPLACE INTO t VALUES(5,'a',5),(6,'b',6) RETURNING u"))
          .isEqualTo("a\nb");
      assertThat(pair.a.query("SELECT changes(), last_insert_rowid()")).isEqualTo("2|6");
      pair.write(
          "PRAGMA recursive_triggers=ON",
          "INSERT OR REPLACE INTO t VALUES(7,'a',7)",
          "UPDATE OR REPLACE t SET u='a' WHERE id=6",
          "PRAGMA recursive_triggers=OFF",
          "DELETE FROM t");
      assertThat(pair.a.query("SELECT changes()")).isEqualTo("2");
      assertThat(pair.query("SELECT count(*) FROM t")).isEqualTo("0");
    }
  }

  /** Our tables are written by name in schema main, whatever the application calls its own. */
  @Test
  void attachedFilesTempTriggersAndTempTablesOfOurNames() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)")) {
      String other = directory.resolve("other.db").toString();
      pair.a.run(
          "ATTACH '" + other + "' AS other",
          "CREATE TABLE other.t(id INTEGER PRIMARY KEY, u, v)",
          "CREATE TEMP TABLE __marmot_change_log(seq INTEGER PRIMARY KEY, tbl, k0)",
          "CREATE TEMP TABLE __marmot_guard(x)",
          "INSERT INTO temp.__marmot_guard VALUES(1)",
          "CREATE TEMP TRIGGER tt AFTER INSERT ON main.t BEGIN UPDATE t SET v='temp' WHERE id=NEW.id; END");
      pair.write(
          "INSERT INTO main.t VALUES(1,'a',1)",
          "INSERT INTO other.t VALUES(2,'b',2)",
          "REPLACE INTO main.t VALUES(3,'a',3)");
      assertThat(pair.query("SELECT id, v FROM main.t")).isEqualTo("3|temp");
      assertThat(pair.a.query("SELECT count(*) FROM temp.__marmot_change_log")).isEqualTo("0");
      pair.a.run("DETACH other");
      pair.a.run("PRAGMA trusted_schema=OFF");
      pair.write("DELETE FROM main.t");
    }
  }
}
