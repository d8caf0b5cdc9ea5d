package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.dynatrace.hash4j.hashing.HashValue128;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Rows that are larger than what is sent: they stay where they are, and everything else goes on.
 */
class LargeRowTest extends WithReplicas {
  private static final int LIMIT = 10_000;
  private static final String SCHEMA = "CREATE TABLE t(k TEXT PRIMARY KEY, v, w)";

  private Replica limited(int node, String... schema) throws SQLException {
    Replica replica = open(node, schema);
    reopen(replica, LIMIT);
    return replica;
  }

  private static void reopen(Replica replica, long limit) {
    replica.store.close();
    replica.store =
        SqliteReplicaStore.open(
            replica.file, StoreOptions.defaults("n" + replica.node).withMaxRowBytes(limit));
  }

  @Test
  void tooLargeRow_isHeldBack_whileOthersGo_untilItIsSmaller() throws SQLException {
    Replica a = limited(1, SCHEMA);
    Replica b = limited(2, SCHEMA);
    a.run("INSERT INTO t VALUES('x','old',0),('y','old',0)");
    a.publish(b);

    a.run("UPDATE t SET v=zeroblob(10001) WHERE k='x'", "UPDATE t SET v='new' WHERE k='y'");
    CapturedChanges changes = a.capture().orElseThrow();
    assertThat(changes.rows()).hasSize(1);
    assertThat(changes.complete()).isTrue();
    a.publish(b);
    assertThat(b.query("SELECT k,v FROM t ORDER BY k")).isEqualTo("x|old\ny|new");
    assertThat(a.store.heldBackRows()).isEqualTo(1);
    assertThat(a.store.heldBack().get(0).bytes()).isEqualTo(10_003);
    assertThat(a.store.warnings())
        .anyMatch(w -> w.contains("table t: 1 rows are not sent") && w.contains("10003 bytes"));
    assertThat(a.capture()).isEmpty();

    a.run("UPDATE t SET v='small' WHERE k='x'");
    a.publish(b);
    assertThat(b.query("SELECT k,v FROM t ORDER BY k")).isEqualTo("x|small\ny|new");
    assertThat(a.store.heldBackRows()).isZero();
    assertThat(a.store.warnings()).isEmpty();
    assertThat(a.query("SELECT count(*) FROM __marmot_change_log")).isEqualTo("1");
  }

  @Test
  void heldBackKey_staysPending_overTrimsAndRestarts_soNobodyOverwritesIt() throws SQLException {
    Replica a = limited(1, SCHEMA);
    Replica b = limited(2, SCHEMA);
    a.run("INSERT INTO t VALUES('x',zeroblob(20000),0)");
    a.publish(b);
    a.run("INSERT INTO t VALUES('z',1,0)");
    a.publish(b);
    b.run("INSERT INTO t VALUES('x','of b',0)");
    b.publish(a);
    assertThat(a.query("SELECT length(v) FROM t WHERE k='x'")).isEqualTo("20000");
    reopen(a, LIMIT);
    b.run("UPDATE t SET v='of b again' WHERE k='x'");
    b.publish(a);
    assertThat(a.query("SELECT length(v) FROM t WHERE k='x'")).isEqualTo("20000");
    a.publish(b);
    assertThat(a.store.heldBackRows()).isEqualTo(1);
    b.run("UPDATE t SET v='of b at last' WHERE k='x'");
    b.publish(a);
    assertThat(a.query("SELECT length(v) FROM t WHERE k='x'")).isEqualTo("20000");

    reopen(a, 100_000);
    a.publish(b);
    assertThat(b.query("SELECT length(v) FROM t WHERE k='x'")).isEqualTo("20000");
    assertThat(a.store.heldBackRows()).isZero();
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
  }

  @Test
  void deletedRow_isSentAsDeleted() throws SQLException {
    Replica a = limited(1, SCHEMA);
    Replica b = limited(2, SCHEMA);
    a.run("INSERT INTO t VALUES('x','old',0)");
    a.publish(b);
    a.run("UPDATE t SET v=zeroblob(20000)");
    a.publish(b);
    a.run("DELETE FROM t");
    a.publish(b);
    assertThat(b.query("SELECT count(*) FROM t")).isEqualTo("0");
    assertThat(a.store.heldBackRows()).isZero();
  }

  /** The snapshot has seen the change sets that covered the row, and has it not. */
  @Test
  void heldBackRow_staysWhenASnapshotIsInstalled_andStaysHeldBack() throws SQLException {
    Replica a = limited(1, SCHEMA);
    Replica b = limited(2, SCHEMA);
    a.run("INSERT INTO t VALUES('x',zeroblob(20000),0),('y','old',0)");
    a.publish(b);
    b.run("UPDATE t SET v='new'", "INSERT INTO t VALUES('x','of b',0)");
    b.publish();
    try (StagedReplica staged = b.store.stage();
        InstallTransaction transaction = a.install(staged.seal())) {
      transaction.commit();
    }
    assertThat(a.query("SELECT k,length(v) FROM t ORDER BY k")).isEqualTo("x|20000\ny|3");
    assertThat(a.store.heldBackRows()).isEqualTo(1);
    b.run("UPDATE t SET v='of b again' WHERE k='x'");
    b.publish(a);
    a.run("UPDATE t SET v='small' WHERE k='x'");
    a.publish(b);
    assertThat(b.query("SELECT k,v FROM t ORDER BY k")).isEqualTo("x|small\ny|new");
    assertThat(a.store.digests()).isEqualTo(b.store.digests());
  }

  @Test
  void heldBackRows_areLeftOutOfAComparison() throws SQLException {
    Replica a = limited(1, SCHEMA);
    Replica b = limited(2, SCHEMA);
    a.run("INSERT INTO t VALUES('x','old',0),('y',1,1)");
    a.publish(b);
    a.run("UPDATE t SET v=zeroblob(20000) WHERE k='x'");
    a.publish(b);
    try (Reading one = a.store.openRead();
        Reading two = b.store.openRead()) {
      Set<Long> without = new HashSet<>(one.undecided());
      without.addAll(two.undecided());
      assertThat(without).hasSize(1);
      assertThat(one.hashes(without).differing(two.hashes(without))).isEmpty();
    }
  }

  /** A snapshot or a first start may have brought rows that are larger than what is sent. */
  @Test
  void largeStoredRow_isOverwritten_displacedAndDeleted_withoutBeingRead() throws SQLException {
    String unique = "CREATE TABLE u(k INTEGER PRIMARY KEY, n UNIQUE, v)";
    String rows = "INSERT INTO u VALUES(1,'a',zeroblob(20000)),(2,'b',zeroblob(20000)),(3,'c',0)";
    Replica a = limited(1, unique);
    Replica b = open(2, unique);
    reopen(a, 100_000);
    a.run(rows);
    a.publish(b);
    reopen(a, LIMIT);
    reopen(b, LIMIT);
    a.run("UPDATE u SET n='x',v=0 WHERE k=1", "UPDATE u SET n='a' WHERE k=3");
    CapturedChanges changes = a.capture().orElseThrow();
    try (ApplyTransaction transaction = b.store.begin()) {
      RowImage first = changes.rows().get(0);
      RowImage stored = transaction.stored(first).orElseThrow();
      assertThat(stored.values()).isEmpty();
      assertThat(stored.key()).isEqualTo(first.key());
      assertThat(stored.sameContent(first)).isFalse();
    }
    a.publish(b);
    assertThat(b.query("SELECT k,n,length(v) FROM u ORDER BY k"))
        .isEqualTo("1|x|1\n2|b|20000\n3|a|1");
    a.run("DELETE FROM u WHERE k=2");
    a.publish(b);
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
  }

  @Test
  void hashInSlices_isTheHashOfTheWholeRow() throws SQLException {
    Replica a =
        open(
            1,
            "CREATE TABLE r(v,w)",
            "CREATE TABLE d(k TEXT PRIMARY KEY, __marmot_i, v)",
            "CREATE TABLE o(k, l TEXT COLLATE NOCASE, v, PRIMARY KEY(k,l)) WITHOUT ROWID");
    a.run(
        "INSERT INTO r VALUES(randomblob(1000),hex(randomblob(517))),(1.5,zeroblob(101)),(1,2)",
        "INSERT INTO d"
            + " VALUES(hex(randomblob(200)),'é'||hex(randomblob(150)),NULL),(NULL,1,zeroblob(300))",
        "INSERT INTO o VALUES(x'00','Key',randomblob(100)),(1,'Key',randomblob(1001))");
    for (TableSchema table : new SchemaReader().read(a.application).tables().values()) {
      assertThat(hashes(a, table, 100)).isEqualTo(hashes(a, table, 1_000_000)).isNotEmpty();
    }
  }

  private static List<HashValue128> hashes(Replica replica, TableSchema table, int slice)
      throws SQLException {
    List<HashValue128> hashes = new ArrayList<>();
    try (TableScan scan = new TableScan(replica.application, table, slice)) {
      scan.forEach((row, hash) -> hashes.add(hash));
    }
    return hashes;
  }

  @Test
  void tooLargeKey_doesNotTravel_withAWarning() throws SQLException {
    Replica a = open(1, SCHEMA);
    Replica b = open(2, SCHEMA);
    a.run("INSERT INTO t VALUES(CAST(zeroblob(2000000) AS TEXT),1,1),('y',2,2)");
    a.publish(b);
    assertThat(b.query("SELECT k,v FROM t")).isEqualTo("y|2");
    assertThat(a.store.warnings()).anyMatch(w -> w.contains("1 changes of rows with more than"));
    a.run("INSERT INTO t VALUES('z',3,3)");
    a.publish(b);
    assertThat(b.query("SELECT count(*) FROM t")).isEqualTo("2");
  }
}
