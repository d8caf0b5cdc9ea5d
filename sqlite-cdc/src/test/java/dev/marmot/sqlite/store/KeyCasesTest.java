package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.RowImage;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rows of every kind of key: written, changed, moved and removed on one file, equal on the other.
 */
final class KeyCasesTest {
  /** Columns and options of a table, and three different keys for its column k. */
  private static final String[][] KINDS = {
    {"k INTEGER PRIMARY KEY, v)", "1", "2", "-9223372036854775808"},
    {"k INTEGER PRIMARY KEY AUTOINCREMENT, v)", "1", "2", "9223372036854775807"},
    {"k INTEGER PRIMARY KEY DESC, v)", "1", "2", "3"},
    {"k INT PRIMARY KEY NOT NULL, v)", "1", "2", "'three'"},
    {"k TEXT PRIMARY KEY, v)", "'a'", "'A'", "''"},
    {"k TEXT COLLATE NOCASE PRIMARY KEY, v)", "'a'", "'b'", "'A'"},
    {"k TEXT COLLATE RTRIM PRIMARY KEY, v)", "'a'", "'b'", "'a  '"},
    {"k BLOB PRIMARY KEY, v)", "x''", "x'00'", "x'0001'"},
    {"k REAL PRIMARY KEY, v)", "1", "-0.0", "9e999"},
    {"k PRIMARY KEY, v)", "1", "'1'", "x'31'"},
    {"k PRIMARY KEY, v)", "9007199254740993", "9007199254740992.0", "9223372036854775808.0"},
    {"k PRIMARY KEY, v) WITHOUT ROWID", "1", "'1'", "x'31'"},
    {"k ANY PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID", "1", "'1'", "x'31'"},
    {"k TEXT PRIMARY KEY, v ANY) STRICT", "'a'", "'b'", "'c'"},
    {"k, v)", "1", "2", "1"},
    {"k, v, rowid, oid)", "1", "2", "1"},
    {"k, v, w DEFAULT 1, PRIMARY KEY(w, k COLLATE NOCASE))", "'a'", "'b'", "'A'"},
    {"k TEXT COLLATE NOCASE, v, PRIMARY KEY(k COLLATE BINARY))", "'a'", "'A'", "'b'"},
    {"k, v, w DEFAULT 1, PRIMARY KEY(k, w)) WITHOUT ROWID", "'a'", "'A'", "1.5"}
  };

  @TempDir Path directory;

  @Test
  void everyKind() throws SQLException {
    String[] schema = new String[KINDS.length];
    for (int i = 0; i < schema.length; i++) {
      schema[i] = "CREATE TABLE t" + i + "(" + KINDS[i][0];
    }
    try (Pair pair = new Pair(directory, schema)) {
      for (String step :
          List.of(
              "INSERT INTO t(k,v) VALUES(1k,'one'),(2k,'two')",
              "UPDATE t SET v='new' WHERE v='one'",
              "UPDATE t SET k=3k WHERE v='new'",
              "INSERT OR REPLACE INTO t(k,v) VALUES(2k,'replaced')",
              "DELETE FROM t WHERE v='new'",
              "INSERT INTO t(k,v) VALUES(3k,'moves'); UPDATE t SET k=1k WHERE v='moves'",
              "DELETE FROM t WHERE v='moves'")) {
        pair.together(forAll(step));
      }
      assertThat(pair.query("SELECT count(*) FROM t5")).isEqualTo("1");
    }
  }

  private static String[] forAll(String statements) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < KINDS.length; i++) {
      for (String sql : statements.split("; ", -1)) {
        all.add(
            sql.replace(" t ", " t" + i + " ")
                .replace(" t(", " t" + i + "(")
                .replace("1k", KINDS[i][1])
                .replace("2k", KINDS[i][2])
                .replace("3k", KINDS[i][3]));
      }
    }
    return all.toArray(String[]::new);
  }

  /** A key that is equal by its collation or by its number is the same row, with other bits. */
  @Test
  void equalKeyWithOtherBits_isWrittenToo() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE n(k TEXT COLLATE NOCASE PRIMARY KEY, v)",
            "CREATE TABLE r(k PRIMARY KEY, v)",
            "CREATE TABLE w(k COLLATE RTRIM, l, v, PRIMARY KEY(k, l)) WITHOUT ROWID")) {
      pair.together(
              "INSERT INTO n VALUES('a',1),('b'||char(0)||'c',2)",
              "INSERT INTO r VALUES(1,1),(0,2)",
              "INSERT INTO w VALUES('a',1,1)")
          .write(
              "UPDATE n SET k='A' WHERE k='a'",
              "UPDATE n SET k='B'||char(0)||'d' WHERE v=2",
              "UPDATE r SET k=1.0 WHERE k=1",
              "UPDATE r SET k=-0.0 WHERE k=0",
              "UPDATE w SET k='a  ', l=1.0");
      assertThat(pair.query("SELECT hex(k) FROM n ORDER BY v")).isEqualTo("41\n420064");
      assertThat(pair.query("SELECT quote(k) FROM r ORDER BY v")).isEqualTo("1.0\n0.0");
      assertThat(pair.query("SELECT quote(k),quote(l) FROM w")).isEqualTo("'a  '|1.0");
      assertThat(pair.query("SELECT count(*) FROM n")).isEqualTo("2");
    }
  }

  @Test
  void rowidIsChangedByAnyOfItsNames() throws SQLException {
    try (Pair pair =
        new Pair(
            directory,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
            "CREATE TABLE s(rowid TEXT PRIMARY KEY, _rowid_, v)",
            "CREATE TABLE less(v)")) {
      pair.together(
              "INSERT INTO t VALUES(1,'a'),(2,'b')",
              "INSERT INTO s VALUES('x',1,'a')",
              "INSERT INTO less VALUES('a'),('b')")
          .write(
              "UPDATE t SET rowid=5 WHERE id=1",
              "UPDATE t SET _rowid_=id+1",
              "UPDATE s SET rowid='y', oid=77",
              "UPDATE less SET oid=rowid+10");
      assertThat(pair.query("SELECT id FROM t")).isEqualTo("3\n6");
      assertThat(pair.query("SELECT rowid FROM less")).isEqualTo("11\n12");
    }
  }

  /** VACUUM would renumber the rows of a key-less table; our empty index keeps them. */
  @Test
  void keyLessTable_survivesVacuum() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(v)")) {
      pair.together("INSERT INTO t VALUES('a'),('b'),('c')", "DELETE FROM t WHERE v='a'");
      pair.a.run("VACUUM");
      pair.write("UPDATE t SET v='changed' WHERE v='c'", "INSERT INTO t VALUES('d')");
      assertThat(pair.query("SELECT rowid, v FROM t")).isEqualTo("2|b\n3|changed\n4|d");
    }
  }

  @Test
  void rowOfANullKey_staysWhereItIs_withAWarning_untilItHasAKey() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(k TEXT PRIMARY KEY, v)")) {
      pair.a.run("INSERT INTO t VALUES(NULL,1),(NULL,2),('a',3)");
      pair.a.publish(pair.b);
      assertThat(pair.b.query("SELECT * FROM t")).isEqualTo("a|3");
      assertThat(pair.a.store.warnings()).anyMatch(w -> w.contains("NULL in the primary key"));
      pair.a.run("UPDATE t SET k='k'||v WHERE k IS NULL");
      pair.a.publish(pair.b);
      assertThat(pair.b.query("SELECT * FROM t ORDER BY k")).isEqualTo("a|3\nk1|1\nk2|2");
    }
  }

  /** What an INSERT OR IGNORE touched without changing it is neither sent nor kept from others. */
  @Test
  void ignoredInsert_doesNotResendTheRow_norHoldOthersBack() throws SQLException {
    try (Pair pair = new Pair(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)")) {
      pair.write("INSERT INTO t VALUES(1,'x','old')");
      pair.a.run("INSERT OR IGNORE INTO t VALUES(2,'x','never')");
      pair.a.run("INSERT INTO t VALUES(2,'x','never') ON CONFLICT DO NOTHING");
      assertThat(pair.a.query("SELECT count(*) FROM __marmot_note")).isNotEqualTo("0");
      assertThat(pair.a.capture()).isEmpty();
      pair.b.run("UPDATE t SET v='newer'");
      RowImage image = pair.b.capture().orElseThrow().rows().get(0);
      try (ApplyTransaction transaction = pair.a.store.begin()) {
        assertThat(transaction.pendingSeq(transaction.key(image))).isEmpty();
      }
      pair.b.publish(pair.a);
      assertThat(pair.query("SELECT * FROM t")).isEqualTo("1|x|newer");
      assertThat(pair.a.query("SELECT count(*) FROM __marmot_note")).isEqualTo("0");
    }
  }
}
