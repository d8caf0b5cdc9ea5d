package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values of every storage class in columns of every affinity and files of every kind. */
final class ValueCasesTest {
  private static final List<String> VALUES =
      List.of(
          "NULL",
          "0",
          "9223372036854775807",
          "-9223372036854775808",
          "9007199254740993",
          "-0.0",
          "0.1",
          "9e999",
          "-9e999",
          "4.9e-324",
          "1.7976931348623157e308",
          "9e999-9e999",
          "''",
          "'1'",
          "'a'||char(0)||'b'",
          "'ü€😀'",
          "CAST(x'c328ff' AS TEXT)",
          "CAST(x'00d8' AS TEXT)",
          "x''",
          "x'00ff'",
          "zeroblob(70000)",
          "hex(zeroblob(40000))");

  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "UTF-8, 512, NONE",
    "UTF-8, 65536, FULL",
    "UTF-16le, 4096, INCREMENTAL",
    "UTF-16be, 1024, NONE"
  })
  void everyValueInEveryColumn(String encoding, int page, String vacuum) throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "PRAGMA encoding='" + encoding + "'",
            "PRAGMA page_size=" + page,
            "PRAGMA auto_vacuum=" + vacuum,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c BLOB, d REAL, e INTEGER, f NUMERIC)",
            "CREATE TABLE k(k PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE s(id INTEGER PRIMARY KEY, a ANY) STRICT")) {
      pair.a.run("BEGIN");
      for (String value : VALUES) {
        pair.a.run(
            "INSERT INTO t(a,b,c,d,e,f) SELECT v,v,v,v,v,v FROM (SELECT " + value + " AS v)",
            "INSERT OR REPLACE INTO k SELECT v FROM (SELECT "
                + value
                + " AS v) WHERE v IS NOT NULL",
            "INSERT INTO s(a) VALUES(" + value + ")");
      }
      pair.a.run("COMMIT");
      pair.together("UPDATE t SET a=a").write("DELETE FROM t WHERE typeof(a)='blob'");
      assertThat(pair.query("PRAGMA integrity_check")).isEqualTo("ok");
      assertThat(pair.query("PRAGMA page_size")).isEqualTo(String.valueOf(page));
      assertThat(pair.query("SELECT DISTINCT typeof(a) FROM s ORDER BY 1"))
          .isEqualTo("blob\ninteger\nnull\nreal\ntext");
      // A NaN is NULL to SQLite. The digests tell -0.0, which columns without affinity keep, from
      // 0.
      assertThat(pair.query("SELECT a IS NULL FROM s WHERE id=12")).isEqualTo("1");
    }
  }

  @Test
  void generatedColumns_areComputedOnEachFile_andMayBeUnique() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a, v AS (a*2) UNIQUE, s AS (a||'s') STORED)",
            "CREATE TABLE w(a, g AS (a||'g'), k TEXT PRIMARY KEY) WITHOUT ROWID")) {
      pair.together("INSERT INTO t(id,a) VALUES(1,1),(2,2)", "INSERT INTO w(a,k) VALUES(1,'k')")
          .together("UPDATE t SET a=-a", "UPDATE t SET a=3+a")
          .write("INSERT OR REPLACE INTO t(id,a) VALUES(3,1)", "UPDATE w SET a=2");
      assertThat(pair.query("SELECT id,a,v,s FROM t ORDER BY id")).isEqualTo("1|2|4|2s\n3|1|2|1s");
      assertThat(pair.query("SELECT g FROM w")).isEqualTo("2g");
    }
  }

  /** What the origin accepted, every file stores: the checks were made where it was written. */
  @Test
  void checksForeignKeysAndDefaults_wereJudgedAtTheOrigin() throws SQLException {
    String[] schema = {
      "CREATE TABLE p(id INTEGER PRIMARY KEY)",
      "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE,"
          + " n NOT NULL DEFAULT (1+1), CHECK(n<100))",
      "CREATE TABLE d(id INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)"
    };
    try (Pair pair = new Pair(directory, schema)) {
      pair.a.run("PRAGMA foreign_keys=ON");
      pair.b.run("PRAGMA foreign_keys=ON");
      pair.together(
              "BEGIN",
              "INSERT INTO d VALUES(1,7)",
              "INSERT INTO p VALUES(7),(8)",
              "INSERT INTO c(id,p) VALUES(1,7),(2,7),(3,8)",
              "COMMIT")
          .write("UPDATE p SET id=9 WHERE id=8", "DELETE FROM d", "DELETE FROM p WHERE id=7");
      assertThat(pair.query("SELECT * FROM c")).isEqualTo("3|9|2");
      pair.a.run("PRAGMA ignore_check_constraints=ON", "PRAGMA foreign_keys=OFF");
      pair.write("UPDATE c SET n=1000, p=5");
      assertThat(pair.b.query("PRAGMA foreign_key_check")).isEqualTo("c|3|p|0");
    }
  }

  @Test
  void oddNames_wideTables_andManyTables() throws SQLException {
    String[] schema = new String[204];
    schema[0] =
        "CREATE TABLE \"se\"\"lect\"(\"group\" TEXT, \"a b\", \"ö'\" UNIQUE, [x]]], PRIMARY KEY(\"group\"))"
            .replace("[x]]]", "[x[]");
    schema[1] = "CREATE TABLE wide(id INTEGER PRIMARY KEY, " + Pair.columns(500, "c", "") + ")";
    schema[2] = "CREATE TABLE \"__marmotx\"(a PRIMARY KEY, b)";
    schema[3] = "CREATE TABLE \"漢 字\"(\"🙂\" INTEGER PRIMARY KEY, \"\"\"\" UNIQUE)";
    for (int i = 4; i < schema.length; i++) {
      schema[i] = "CREATE TABLE t" + i + "(a, b UNIQUE)";
    }
    try (Pair pair = new Pair(directory, schema)) {
      pair.a.run("BEGIN");
      for (int i = 4; i < schema.length; i++) {
        pair.a.run("INSERT INTO t" + i + " VALUES(" + i + ",'b')");
      }
      pair.a.run("COMMIT");
      pair.together(
          "INSERT INTO \"se\"\"lect\" VALUES('g',1,2,3)",
          "UPDATE \"se\"\"lect\" SET \"group\"='h'",
          "INSERT INTO wide(id,c1,c500) VALUES(1,'first','last')",
          "INSERT INTO \"__marmotx\" VALUES('own',1)",
          "INSERT INTO \"漢 字\" VALUES(1,'q'),(2,'r')",
          "REPLACE INTO \"漢 字\" VALUES(3,'q')");
      assertThat(pair.b.store.digests()).hasSize(204);
      assertThat(pair.query("SELECT c1,c2,c500 FROM wide")).isEqualTo("first|null|last");
      assertThat(pair.query("SELECT * FROM \"漢 字\" ORDER BY 1")).isEqualTo("2|r\n3|q");
    }
  }

  /**
   * The counter of AUTOINCREMENT follows the largest key that arrived, not one that was deleted.
   */
  @Test
  void autoincrement_continuesBehindWhatArrived() throws SQLException {
    try (Pair pair =
        new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)")) {
      pair.write("INSERT INTO t VALUES(41,'a')");
      pair.b.run("INSERT INTO t(v) VALUES('b')");
      pair.b.publish(pair.a);
      assertThat(pair.query("SELECT id FROM t")).isEqualTo("41\n42");
      pair.write("DELETE FROM t WHERE id=42", "INSERT INTO t(v) VALUES('c')");
      assertThat(pair.query("SELECT id FROM t")).isEqualTo("41\n43");
    }
  }
}
