package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application's triggers and views: their effects happen once, everywhere. */
final class TriggerCasesTest {
  private static final String TRIGGERS =
      "SELECT rowid,name,tbl_name,sql FROM sqlite_schema WHERE type='trigger' AND"
          + " substr(name,1,9)<>'__marmot_' ORDER BY rowid";

  @TempDir Path directory;

  @Test
  void effectsArriveOnce_andTriggersStayInTheirPlaces() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v, changed INTEGER DEFAULT 0)",
            "CREATE TABLE audit(n INTEGER PRIMARY KEY, what)",
            "CREATE TRIGGER \"a;END\" AFTER INSERT ON t BEGIN INSERT INTO audit(what) VALUES('+'||NEW.v); END",
            "CREATE TRIGGER b AFTER UPDATE OF v ON t BEGIN UPDATE t SET changed=changed+1 WHERE id=NEW.id;"
                + " INSERT INTO audit(what) VALUES(OLD.v||'>'||NEW.v); END",
            "CREATE TRIGGER c BEFORE DELETE ON t BEGIN INSERT INTO audit(what) VALUES('-'||OLD.v); END",
            "CREATE TRIGGER d BEFORE INSERT ON t WHEN NEW.v='skip' BEGIN SELECT RAISE(IGNORE); END",
            "CREATE TRIGGER e BEFORE UPDATE ON t WHEN NEW.v='bad' BEGIN SELECT RAISE(ABORT,'bad'); END")) {
      String before = pair.b.query(TRIGGERS);
      String version = pair.b.query("PRAGMA schema_version");
      pair.write(
          "INSERT INTO t(id,v) VALUES(1,'one'),(2,'skip'),(3,'three')",
          "UPDATE t SET v=v||'!'",
          "DELETE FROM t WHERE id=1");
      assertThatThrownBy(() -> pair.a.run("UPDATE t SET v='bad'")).hasMessageContaining("bad");
      pair.assertEqual("an aborted statement");
      assertThat(pair.query("SELECT * FROM t")).isEqualTo("3|three!|1");
      assertThat(pair.query("SELECT count(*) FROM audit")).isEqualTo("5");
      assertThat(pair.b.query(TRIGGERS)).isEqualTo(before);
      assertThat(pair.b.query("PRAGMA schema_version")).isEqualTo(version);
    }
  }

  /** SQLite fires the youngest trigger first: the hooks are made anew to stay before all others. */
  @Test
  void triggerThatIsCreatedLater_comesBehindTheHooks() throws SQLException {
    try (Pair pair =
        new Pair(directory, "CREATE TABLE t(v)", "CREATE TABLE u(k TEXT PRIMARY KEY, v UNIQUE)")) {
      for (String table : new String[] {"t", "u"}) {
        String trigger =
            "CREATE TRIGGER stop_%s AFTER INSERT ON %s WHEN NEW.v=2 BEGIN SELECT RAISE(FAIL,'no'); END"
                .formatted(table, table.toUpperCase(java.util.Locale.ROOT));
        pair.a.run(trigger);
        pair.b.run(trigger);
      }
      long newest = pair.a.store.newestSeq();
      String schema = pair.a.query("PRAGMA schema_version");
      assertThat(pair.a.store.newestSeq())
          .as("no row is logged for that")
          .isEqualTo(newest)
          .isZero();
      assertThatThrownBy(() -> pair.a.run("INSERT INTO t VALUES(1),(2),(3)"))
          .hasMessageContaining("no");
      assertThatThrownBy(() -> pair.a.run("REPLACE INTO u VALUES('a',1),('b',2),('c',3)"))
          .hasMessageContaining("no");
      pair.a.publish(pair.b);
      pair.assertEqual("statements that failed half-way");
      assertThat(pair.query("SELECT count(*) FROM t")).isEqualTo("2");
      assertThat(pair.query("SELECT count(*) FROM u")).isEqualTo("2");
      pair.a.reopen();
      assertThat(pair.a.query("PRAGMA schema_version")).as("done once").isEqualTo(schema);
    }
  }

  /** Rows go past a damaged search index, and into it again once it is rebuilt. */
  @Test
  void damagedSearchIndex_holdsNothingBack_andIsKeptAgainAfterItsRebuild() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE d(k TEXT PRIMARY KEY, v)",
            "CREATE TABLE other(k TEXT PRIMARY KEY, v)",
            "CREATE VIRTUAL TABLE ft USING fts5(v, content=d)",
            "CREATE TRIGGER di AFTER INSERT ON d BEGIN"
                + " INSERT INTO ft(rowid,v) VALUES(new.rowid,new.v); END",
            "CREATE TRIGGER dd AFTER DELETE ON d BEGIN"
                + " INSERT INTO ft(ft,rowid,v) VALUES('delete',old.rowid,old.v); END")) {
      pair.write("INSERT INTO d VALUES('a','one fish'),('b','two fish'),('c','three')");
      String before = pair.b.query(TRIGGERS);
      String version = pair.b.query("PRAGMA schema_version");
      pair.b.run("INSERT INTO ft(ft,rowid,v) SELECT 'delete',rowid,v FROM d");
      assertThatThrownBy(() -> pair.b.run("DELETE FROM d WHERE k='a'"))
          .as("the damage is the application's")
          .hasMessageContaining("malformed");

      pair.a.run("DELETE FROM d WHERE k IN ('a','b')", "INSERT INTO d VALUES('b','two cats')");
      pair.a.run("INSERT INTO d VALUES('e','four')", "INSERT INTO other VALUES('o',1)");
      pair.a.publish(pair.b);

      assertThat(pair.b.store.digests()).isEqualTo(pair.a.store.digests());
      assertThat(pair.b.query("SELECT k,v,rowid FROM d"))
          .isEqualTo("b|two cats|2\nc|three|3\ne|four|4");
      assertThat(pair.b.capture()).isEmpty();
      assertThat(pair.b.query(TRIGGERS)).isEqualTo(before);
      assertThat(pair.b.query("PRAGMA schema_version")).isEqualTo(version);
      assertThat(pair.a.store.warnings()).isEmpty();
      assertThat(pair.b.store.warnings())
          .singleElement()
          .asString()
          .startsWith("table d: the search index that its triggers keep refuses rows here (");

      pair.b.run("INSERT INTO ft(ft) VALUES('rebuild')");
      pair.a.run("DELETE FROM d WHERE k='c'", "INSERT INTO d VALUES('c','three cats')");
      pair.a.publish(pair.b);
      String cats = "SELECT k FROM d WHERE rowid IN (SELECT rowid FROM ft('cats')) ORDER BY k";
      assertThat(pair.query(cats)).isEqualTo("b\nc");
      pair.b.run("INSERT INTO ft(ft,rank) VALUES('integrity-check',1)");
    }
  }

  /**
   * A trigger may write its own table before the statement does: what it notes must not be lost.
   */
  @Test
  void triggerThatWritesTheSameTableInBetween() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(k TEXT PRIMARY KEY, u UNIQUE, v UNIQUE)",
            "CREATE TRIGGER x BEFORE INSERT ON t BEGIN"
                + " INSERT OR IGNORE INTO t(k,v) VALUES(NEW.k||'x',4); END")) {
      pair.together("INSERT OR IGNORE INTO t VALUES('a',2,2),('b','a',6)")
          .write("REPLACE INTO t(k,u) VALUES('1','a'),('d',0),('a','x')");
      assertThat(pair.query("SELECT k FROM t WHERE u='a'")).isEqualTo("1");
      assertThat(pair.query("SELECT count(*) FROM t WHERE k='b'")).isEqualTo("0");
    }
  }

  /** Foreign key actions of a replaced row write the table that the statement is writing. */
  @Test
  void foreignKeyActionOnTheSameTableInBetween() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v UNIQUE,"
                + " up REFERENCES t ON DELETE SET NULL ON UPDATE CASCADE)")) {
      pair.a.run("PRAGMA foreign_keys=ON");
      pair.together("INSERT INTO t VALUES(1,'a',1,NULL),(5,'b',2,NULL),(7,'c',3,1)")
          .write(
              "INSERT OR REPLACE INTO t VALUES(9,'a',2,NULL)",
              "UPDATE t SET id=8, up=9 WHERE id=7");
      assertThat(pair.query("SELECT id, up FROM t")).isEqualTo("8|9\n9|null");
    }
  }

  @Test
  void viewsWithInsteadOfTriggers() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)",
            "CREATE TABLE l(n INTEGER PRIMARY KEY, what)",
            "CREATE VIEW v AS SELECT id, a||'-'||b AS ab FROM t",
            "CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES(NEW.id,NEW.ab,'b');"
                + " INSERT INTO l(what) VALUES('insert'); END",
            "CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN UPDATE t SET a=NEW.ab WHERE id=OLD.id; END",
            "CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id=OLD.id; END")) {
      pair.write(
          "INSERT INTO v VALUES(1,'x'),(2,'y')",
          "UPDATE v SET ab='z' WHERE id=1",
          "DELETE FROM v WHERE id=2");
      assertThat(pair.query("SELECT * FROM v")).isEqualTo("1|z-b");
      assertThat(pair.query("SELECT count(*) FROM l")).isEqualTo("2");
      pair.b.run("INSERT INTO v VALUES(3,'from b')");
      pair.b.publish(pair.a);
      assertThat(pair.query("SELECT count(*) FROM t")).isEqualTo("2");
    }
  }

  /** Such triggers run on every node, so a spatial index answers the same everywhere. */
  @Test
  void spatialIndexIsKeptByItsTriggersEverywhere() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE place(id INTEGER PRIMARY KEY, x REAL, y REAL)",
            "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1, y0, y1)",
            "CREATE TRIGGER pi AFTER INSERT ON place BEGIN"
                + " INSERT INTO area VALUES(NEW.id,NEW.x,NEW.x,NEW.y,NEW.y); END",
            "CREATE TRIGGER pu AFTER UPDATE ON place BEGIN DELETE FROM area WHERE id=OLD.id;"
                + " INSERT INTO area VALUES(NEW.id,NEW.x,NEW.x,NEW.y,NEW.y); END",
            "CREATE TRIGGER pd AFTER DELETE ON place BEGIN DELETE FROM area WHERE id=OLD.id; END",
            "CREATE TRIGGER other AFTER INSERT ON place BEGIN SELECT 1; END")) {
      pair.write(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<50)"
              + " INSERT INTO place SELECT i, i, i*2 FROM n",
          "UPDATE place SET x=x+100 WHERE id%3=0",
          "DELETE FROM place WHERE id%7=0");
      assertThat(pair.query("SELECT count(*), sum(id) FROM area WHERE x0>20 AND y1<60"))
          .isEqualTo("13|239");
      assertThat(pair.query("SELECT rtreecheck('area')")).isEqualTo("ok");
    }
  }

  /** As in every GeoPackage: the functions of its triggers belong to the application's library. */
  @Test
  void functionThatOnlyTheApplicationHas_keepsNoRowBack() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE place(fid INTEGER PRIMARY KEY, geom BLOB, name UNIQUE)",
            "CREATE VIRTUAL TABLE rtree_place_geom USING rtree(id, minx, maxx, miny, maxy)",
            "CREATE TRIGGER rtree_place_geom_insert AFTER INSERT ON place"
                + " WHEN (new.geom NOT NULL AND NOT ST_IsEmpty(new.geom)) BEGIN INSERT OR REPLACE"
                + " INTO rtree_place_geom VALUES(NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),"
                + " ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END",
            "CREATE TRIGGER rtree_place_geom_delete AFTER DELETE ON place"
                + " WHEN old.geom NOT NULL BEGIN DELETE FROM rtree_place_geom WHERE id=OLD.fid; END")) {
      for (String name : new String[] {"ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"}) {
        org.sqlite.Function.create(
            pair.a.application,
            name,
            new org.sqlite.Function() {
              @Override
              protected void xFunc() throws SQLException {
                result(0);
              }
            });
      }
      assertThat(pair.b.store.warnings())
          .singleElement()
          .asString()
          .startsWith(
              "table place: its trigger rtree_place_geom_insert calls st_isempty, st_maxx, st_maxy,"
                  + " st_minx, st_miny, which Marmot does not have");
      String before = pair.b.query(TRIGGERS);
      String version = pair.b.query("PRAGMA schema_version");
      pair.a.run(
          "INSERT INTO place VALUES(1,x'00','a'),(2,x'01','b')",
          "INSERT INTO place VALUES(3,NULL,'c')");
      pair.a.publish(pair.b);
      pair.a.run("UPDATE place SET name='d' WHERE fid=1", "DELETE FROM place WHERE fid=2");
      pair.a.publish(pair.b);
      assertThat(pair.b.store.digests()).isEqualTo(pair.a.store.digests());
      assertThat(pair.b.store.asideCounts().held()).isZero();
      assertThat(pair.b.query(TRIGGERS)).isEqualTo(before);
      assertThat(pair.b.query("PRAGMA schema_version")).isEqualTo(version);
      assertThat(pair.b.store.warnings())
          .anySatisfy(warning -> assertThat(warning).contains("no such function: ST_IsEmpty"));
    }
  }

  /** A left-over entry of the index refuses one row: only that one goes past it. */
  @Test
  void constraintOfTheIndex_keepsNoRowBack_andARowsOwnFaultIsStillTheRows() throws SQLException {
    String[] schema = {
      "CREATE TABLE place(id INTEGER PRIMARY KEY, x REAL, y REAL)",
      "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1, y0, y1)",
      "CREATE TRIGGER pi AFTER INSERT ON place BEGIN"
          + " INSERT INTO area VALUES(NEW.id,NEW.x,NEW.y,0,0); END",
      "CREATE TRIGGER pu AFTER UPDATE ON place BEGIN DELETE FROM area WHERE id=OLD.id; END",
      "CREATE TRIGGER pd AFTER DELETE ON place BEGIN DELETE FROM area WHERE id=OLD.id; END"
    };
    try (Pair pair = new Pair(directory, schema)) {
      pair.b.run("INSERT INTO area VALUES(2,0,0,0,0)");
      String before = pair.b.query(TRIGGERS);
      String version = pair.b.query("PRAGMA schema_version");
      pair.a.run("INSERT INTO place VALUES(1,1,1),(2,2,2),(3,3,3)");
      pair.a.publish(pair.b);
      assertThat(pair.b.store.digests()).isEqualTo(pair.a.store.digests());
      assertThat(pair.b.query("SELECT id FROM area WHERE x0>0")).isEqualTo("1\n3");
      assertThat(pair.b.store.warnings())
          .singleElement()
          .asString()
          .contains("refuses rows here (")
          .contains("UNIQUE constraint failed: area.id");
      assertThat(pair.b.query(TRIGGERS)).isEqualTo(before);
      assertThat(pair.b.query("PRAGMA schema_version")).isEqualTo(version);
    }
  }

  /** A row that the table itself refuses does not count against the index. */
  @Test
  void rowThatTheTableRefuses_isHeld_andTheIndexGoesOn() throws SQLException {
    String trigger =
        "CREATE TRIGGER di AFTER INSERT ON d BEGIN INSERT INTO ft(rowid,v) VALUES(new.id,new.v); END";
    String index = "CREATE VIRTUAL TABLE ft USING fts5(v)";
    try (Replica a = Replica.open(directory, 1, "CREATE TABLE d(id INTEGER PRIMARY KEY, v, w)");
        Replica b =
            Replica.open(
                directory,
                2,
                "CREATE TABLE d(id INTEGER PRIMARY KEY, v, w NOT NULL)",
                index,
                trigger)) {
      String before = b.query(TRIGGERS);
      String version = b.query("PRAGMA schema_version");
      a.run("INSERT INTO d VALUES(1,'one',1),(2,'two',NULL),(3,'three',3)");
      a.publish(b);
      assertThat(b.query("SELECT id FROM d")).isEqualTo("1\n3");
      assertThat(b.query("SELECT rowid FROM ft('one OR two OR three')")).isEqualTo("1\n3");
      assertThat(b.store.warnings()).singleElement().asString().contains("rows are held");
      assertThat(b.query(TRIGGERS)).isEqualTo(before);
      assertThat(b.query("PRAGMA schema_version")).isEqualTo(version);
    }
  }

  /** With a trigger for INSERT only, an update of the application leaves the index as it is. */
  @Test
  void indexWithInsertTriggerOnly_isUpdatedAsTheApplicationUpdatesIt() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE d(id INTEGER PRIMARY KEY, v)",
            "CREATE VIRTUAL TABLE ft USING fts5(v)",
            "CREATE TRIGGER di AFTER INSERT ON d BEGIN"
                + " INSERT INTO ft(rowid,v) VALUES(new.id,new.v); END")) {
      pair.write("INSERT INTO d VALUES(1,'one'),(2,'two')", "UPDATE d SET v='other' WHERE id=1");
      assertThat(pair.query("SELECT rowid, v FROM ft ORDER BY 1")).isEqualTo("1|one\n2|two");
    }
  }

  /** The other table's rows of the same change set are there when the trigger runs. */
  @Test
  void indexThatReadsAnotherTable_seesItsRows() throws SQLException {
    try (Replica a =
        Replica.open(
            directory,
            1,
            "CREATE TABLE author(id INTEGER PRIMARY KEY, name)",
            "CREATE TABLE book(id INTEGER PRIMARY KEY, author, title)",
            "CREATE VIRTUAL TABLE ft USING fts5(text)",
            "CREATE TRIGGER bi AFTER INSERT ON book BEGIN INSERT INTO ft(rowid,text)"
                + " SELECT new.id, name||' '||new.title FROM author WHERE id=new.author; END")) {
      assertThat(a.store.warnings())
          .singleElement()
          .asString()
          .startsWith("table book: its trigger bi reads author: ");
      try (var transaction = a.store.begin()) {
        assertThat(transaction.isWrittenLast("book")).isTrue();
        assertThat(transaction.isWrittenLast("author")).isFalse();
      }
    }
  }
}
