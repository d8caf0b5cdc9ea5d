package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.InstallTransaction.PendingKey;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.schema.TablePatterns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Cases of staging and installing that random statements do not reach. */
final class InstallTest extends WithReplicas {
  private static final String TABLE = "CREATE TABLE t(k INTEGER PRIMARY KEY, v)";

  private static SqliteSnapshot snapshot(Replica replica) {
    try (StagedReplica staged = replica.store.stage()) {
      assertThat(staged.leftOut()).isEmpty();
      return SqliteSnapshot.open(((SqliteSnapshot) staged.seal()).path());
    }
  }

  private static void install(Replica at, SqliteSnapshot snapshot) {
    try (InstallTransaction transaction = at.install(snapshot)) {
      transaction.commit();
    }
  }

  private List<String> files(String prefix) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith(prefix))
          .toList();
    }
  }

  @Test
  void stagedCopy_lacksPendingRows_hasParkedOnes_andLeavesNothingBehind() throws Exception {
    Replica a = open(1, "CREATE TABLE t(k INTEGER PRIMARY KEY, v UNIQUE)");
    a.run("INSERT INTO t VALUES(1,'a')");
    a.publish();
    a.run("UPDATE t SET v='p' WHERE k=1", "INSERT INTO t VALUES(2,'b')");
    CapturedChanges tail = a.capture().orElseThrow();
    RowImage parked = image(tail.rows().get(0), 7, "b");
    try (ApplyTransaction transaction = a.store.begin()) {
      transaction.park(parked, 3);
      transaction.skip(transaction.key(tail.rows().get(0)));
      transaction.commit();
    }

    try (StagedReplica staged = a.store.stage()) {
      assertThat(staged.leftOut())
          .containsExactlyInAnyOrder(tail.rows().stream().mapToLong(RowImage::keyHash).toArray());
      SqliteSnapshot sealed = (SqliteSnapshot) staged.seal();
      try (Connection connection = sealed.connect()) {
        assertThat(SqliteSnapshot.text(connection, "SELECT group_concat(k||v) FROM t"))
            .contains("7b");
        assertThat(SqliteSnapshot.number(connection, "SELECT count(*) FROM __marmot_skipped"))
            .isZero();
      }
      assertThat(sealed.state()).isEqualTo(a.store.state());
    }
    try (StagedReplica staged = a.store.stage()) {
      assertThat(staged.store().state()).isEqualTo(a.store.state());
    }
    assertThat(files("staged-")).isEmpty();
    assertThat(files("snapshot-")).singleElement().asString().endsWith(".db");
    assertThat(a.query("SELECT group_concat(k||v) FROM t")).isEqualTo("1p,2b");
  }

  private static RowImage image(RowImage like, long key, String value) {
    return new RowImage(
        like.shape(),
        List.of(new SqliteValue.Int(key)),
        List.of(new SqliteValue.Text(value.getBytes(java.nio.charset.StandardCharsets.UTF_8))),
        false,
        false,
        key);
  }

  @Test
  void stage_countsRowsOfATableWithoutHooksAsPending() throws Exception {
    Replica a = open(1, TABLE);
    a.run("CREATE TABLE later(k INTEGER PRIMARY KEY, v)", "INSERT INTO later VALUES(1,2)");
    try (StagedReplica staged = a.store.stage()) {
      assertThat(staged.leftOut())
          .containsExactly(a.capture().orElseThrow().rows().get(0).keyHash());
    }
  }

  @Test
  void otherConnections_seeTheInstallationWhole_andTheirTriggersDoNotRun() throws Exception {
    String[] schema = {
      TABLE,
      "CREATE VIRTUAL TABLE f USING fts5(v, content='t', content_rowid='k')",
      "CREATE TRIGGER fi AFTER INSERT ON t BEGIN INSERT INTO f(rowid,v) VALUES(NEW.k,NEW.v); END",
      "CREATE TRIGGER fd AFTER DELETE ON t BEGIN"
          + " INSERT INTO f(f,rowid,v) VALUES('delete',OLD.k,OLD.v); END",
      "CREATE TABLE audit(n)",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO audit VALUES(NEW.k); END"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run("INSERT INTO t VALUES(1,'one'),(2,'two')");
    a.publish(b);
    a.run(
        "UPDATE t SET v='three' WHERE k=2",
        "DELETE FROM t WHERE k=1",
        "INSERT INTO t VALUES(4,'four')");
    a.publish();
    SqliteSnapshot snapshot = snapshot(a);
    String triggers = b.query("SELECT * FROM sqlite_schema ORDER BY rowid");
    String cookie = b.query("PRAGMA schema_version");
    b.application.setAutoCommit(false);
    assertThat(b.query("SELECT group_concat(v) FROM t")).isEqualTo("one,two");

    install(b, snapshot);

    assertThat(b.query("SELECT group_concat(v) FROM t")).isEqualTo("one,two");
    b.application.rollback();
    b.application.setAutoCommit(true);
    assertThat(b.query("SELECT group_concat(v) FROM t")).isEqualTo("three,four");
    assertThat(b.query("SELECT group_concat(rowid) FROM f('three OR four')")).isEqualTo("2,4");
    assertThat(b.query("SELECT count(*) FROM f('two')")).isEqualTo("0");
    b.run("INSERT INTO f(f) VALUES('integrity-check')");
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
    assertThat(b.query("SELECT * FROM sqlite_schema ORDER BY rowid")).isEqualTo(triggers);
    assertThat(b.query("PRAGMA schema_version")).isEqualTo(cookie);
    assertThat(b.capture()).isEmpty();
  }

  @Test
  void valuesThatCompareAsEqual_areTakenBitForBit() throws Exception {
    String table = "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v, w TEXT COLLATE NOCASE)";
    Replica a = open(1, table);
    Replica b = open(2, table);
    for (Replica replica : List.of(a, b)) {
      try (PreparedStatement insert =
          replica.application.prepareStatement("INSERT INTO t VALUES(?,?,?)")) {
        boolean first = replica == a;
        insert(insert, first ? "a" : "A", first ? -0.0 : 0.0, "x");
        insert(insert, "b", first ? 1L : 1.0, "x");
        insert(insert, "c", first ? "1" : 1L, "x");
        insert(insert, "d", first ? new byte[] {49} : "1", "x");
        insert(insert, "e", 0.0, first ? "x" : "X");
      }
      replica.publish();
    }
    assertThat(b.store.digests()).isNotEqualTo(a.store.digests());

    install(b, snapshot(a));

    assertThat(b.store.digests()).isEqualTo(a.store.digests());
  }

  private static void insert(PreparedStatement insert, Object k, Object v, Object w)
      throws SQLException {
    insert.setObject(1, k);
    insert.setObject(2, v);
    insert.setObject(3, w);
    insert.executeUpdate();
  }

  @Test
  void otherSchemas_keepTheirOwnColumns_andHoldWhatDoesNotFit() throws Exception {
    Replica a =
        open(
            1,
            "CREATE TABLE t(k TEXT PRIMARY KEY, u UNIQUE, v)",
            "CREATE TABLE p(k INTEGER PRIMARY KEY, v)",
            "CREATE TABLE gone(k INTEGER PRIMARY KEY, v)",
            "CREATE TABLE wide(k INTEGER PRIMARY KEY, v, more)");
    Replica b =
        open(
            2,
            "CREATE TABLE t(own DEFAULT 'd', k TEXT PRIMARY KEY, v, u UNIQUE)",
            "CREATE TABLE p(k INTEGER PRIMARY KEY, own DEFAULT 'd', v NOT NULL)",
            "CREATE TABLE wide(k INTEGER PRIMARY KEY, v)");
    b.run(
        "INSERT INTO t VALUES('x','one','old',1),('y','two','old',2)",
        "INSERT INTO p VALUES(1,'x',1)");
    b.publish();
    a.run(
        "INSERT INTO t VALUES('one',2,'new'),('two',1,'old'),('three',3,'new')",
        "INSERT INTO p VALUES(1,2),(2,NULL),(3,3)",
        "INSERT INTO gone VALUES(1,2)",
        "INSERT INTO wide VALUES(1,2,3)");
    a.publish();

    install(b, snapshot(a));

    assertThat(b.query("SELECT k,u,v,own FROM t ORDER BY rowid"))
        .isEqualTo("one|2|new|x\ntwo|1|old|y\nthree|3|new|d");
    assertThat(b.query("SELECT * FROM p")).isEqualTo("1|x|2\n3|d|3");
    assertThat(b.query("SELECT tbl,count(*) FROM __marmot_held GROUP BY 1"))
        .isEqualTo("gone|1\np|1\nwide|1");
  }

  @Test
  void heldRowsOfTheDonor_areStoredWhereTheyFit() throws Exception {
    Replica a = open(1, TABLE);
    Replica b = open(2, TABLE, "CREATE TABLE u(k INTEGER PRIMARY KEY, v)");
    b.run("INSERT INTO u VALUES(1,'first')", "INSERT INTO t VALUES(1,1)");
    b.publish(a);
    b.run("UPDATE u SET v='later'");
    b.publish();
    b.run("UPDATE u SET v='mine' WHERE k=1", "INSERT INTO u VALUES(2,'mine')");
    PendingKey[] first = new PendingKey[1];
    SqliteSnapshot snapshot = snapshot(a);

    try (InstallTransaction transaction = b.install(snapshot)) {
      first[0] = transaction.pending().get(0);
      assertThat(transaction.pending()).hasSize(2);
      assertThat(first[0].hidden()).isFalse();
      transaction.pending().forEach(transaction::hide);
      assertThat(transaction.pending().get(0).hidden()).isTrue();
      assertThat(transaction.pending().get(1).hidden()).as("the donor has no such table").isFalse();
      transaction.commit();
    }
    try (ApplyTransaction transaction = b.store.begin()) {
      assertThat(transaction.hidden(first[0].key()).orElseThrow().values())
          .containsExactly(
              new SqliteValue.Text("first".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }
    b.publish();
    install(b, snapshot);

    assertThat(b.query("SELECT v FROM u WHERE k=1")).isEqualTo("first");
    assertThat(b.query("SELECT count(*) FROM __marmot_held")).isEqualTo("0");
  }

  @Test
  void bookkeeping_becomesTheSnapshots_andConflictLogsAreUnited() throws Exception {
    Replica a = open(1, TABLE);
    Replica b = open(2, TABLE);
    a.run("INSERT INTO t VALUES(1,1),(2,2)");
    List<RowImage> rows = a.capture().orElseThrow().rows();
    a.publish(b);
    for (Replica replica : List.of(a, b)) {
      try (ApplyTransaction transaction = replica.store.begin()) {
        transaction.conflict(new Conflict(rows.get(0), 2, 3, 41, Reason.OVERWRITTEN));
        transaction.addWriters(
            new WriterEntry(replica == a ? 30 : 20, 0, 1, 5, new long[] {replica.node}));
        if (replica == a) {
          transaction.conflict(new Conflict(rows.get(1), 2, 3, 42, Reason.DELETED));
          transaction.last(3, new LastApplied(2, 5, 9, 77, -1));
          transaction.minEpoch(3, 2);
          transaction.windowStart(25);
          transaction.position(4, 50);
        } else {
          transaction.conflict(new Conflict(rows.get(1), 2, 3, 43, Reason.DELETED));
        }
        transaction.commit();
      }
    }
    b.run("UPDATE t SET v=9 WHERE k=1");
    b.store.requireInstall();

    try (InstallTransaction transaction = b.install(snapshot(a))) {
      transaction.pending().forEach(transaction::skip);
      transaction.commit();
    }

    assertThat(b.query("SELECT id,position FROM __marmot_conflict ORDER BY id"))
        .isEqualTo("1|41\n2|43\n3|42");
    assertThat(b.query("SELECT count(*) FROM __marmot_skipped")).isEqualTo("1");
    assertThat(b.query("SELECT group_concat(v) FROM t")).isEqualTo("9,2");
    assertThat(b.store.state().last()).isEqualTo(a.store.state().last());
    assertThat(b.store.state().minEpoch()).isEqualTo(a.store.state().minEpoch());
    assertThat(b.store.state().windowStart()).isEqualTo(25);
    assertThat(b.store.state().term()).isEqualTo(4);
    assertThat(b.store.writers()).usingRecursiveComparison().isEqualTo(a.store.writers());
    assertThat(b.store.facts().mustInstall()).isFalse();
    b.reopen();
    assertThat(b.store.state().position()).isEqualTo(50);
    install(b, snapshot(a));
    assertThat(b.query("SELECT count(*) FROM __marmot_skipped"))
        .as("what is pending stays skipped")
        .isEqualTo("1");
    assertThat(b.query("SELECT count(*) FROM __marmot_conflict")).isEqualTo("3");
  }

  @Test
  void placedFile_isTheSameReplica_withAnIdentityOfItsOwn() throws Exception {
    Replica a = open(1, TABLE);
    a.store.meta("cluster", "c");
    a.store.meta("node", "1");
    a.run("INSERT INTO t VALUES(1,1)");
    a.publish();
    SqliteSnapshot snapshot = snapshot(a);
    assertThat(snapshot.meta("cluster")).contains("c");
    assertThat(snapshot.meta("node")).isEmpty();
    Path placed = directory.resolve("placed.db");
    Files.writeString(directory.resolve("placed.db-wal"), "left by a file that is gone");

    snapshot.place(placed);

    assertThatThrownBy(() -> snapshot.place(placed)).hasMessageContaining("there is a file");
    try (SqliteReplicaStore store = SqliteReplicaStore.open(placed, StoreOptions.defaults("n3"))) {
      assertThat(store.state().file()).isNotEqualTo(a.store.state().file());
      assertThat(store.state().position()).isEqualTo(a.store.state().position());
      assertThat(store.state().last()).isEqualTo(a.store.state().last());
      assertThat(store.digests()).isEqualTo(a.store.digests());
      assertThat(store.meta("cluster")).contains("c");
      assertThat(store.newestSeq()).isZero();
      assertThat(store.facts())
          .isEqualTo(new StoreFacts(store.state().file(), store.state().position(), 0, false));
    }
    assertThat(files("placed.db")).hasSize(2).anyMatch(name -> name.contains("-wal.orphan-"));
  }

  @Test
  void adoptedCopy_needsAnInstallation_thatTakesWhatIsMissing() throws Exception {
    Replica a = open(1, TABLE);
    a.run("INSERT INTO t VALUES(1,1)");
    a.publish();
    a.run("INSERT INTO t VALUES(2,2)");
    Path copy = directory.resolve("node5.db");
    a.run("VACUUM INTO '" + copy + "'");
    a.run("DELETE FROM t WHERE k=2");
    a.publish();

    assertThat(Adoption.adopt(copy)).isTrue();

    Replica b = open(5);
    StoreFacts facts = b.store.facts();
    assertThat(facts.mustInstall()).isTrue();
    assertThat(facts.file()).isNotEqualTo(a.store.state().file());
    assertThat(b.capture()).isEmpty();
    install(b, snapshot(a));
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
    assertThat(b.store.facts().mustInstall()).isFalse();
    Path plain = directory.resolve("plain.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + plain)) {
      connection.createStatement().execute(TABLE);
    }
    assertThat(Adoption.adopt(plain)).isFalse();
  }

  @Test
  void damagedOrForeignFiles_areNoSnapshots() throws Exception {
    Replica a = open(1, TABLE);
    for (int i = 0; i < 200; i++) {
      a.run("INSERT INTO t(v) VALUES(hex(randomblob(200)))");
    }
    a.publish();
    Path path = snapshot(a).path();
    assertThatThrownBy(() -> SqliteSnapshot.open(a.file)).hasMessageContaining("format");
    assertThatThrownBy(() -> SqliteSnapshot.open(directory.resolve("none")))
        .hasMessageContaining("no such file");
    byte[] bytes = Files.readAllBytes(path);
    IntStream.range(bytes.length - 6 * 4096, bytes.length).forEach(i -> bytes[i] = 7);
    Files.write(path, bytes);
    assertThatThrownBy(() -> SqliteSnapshot.open(path)).hasMessageContaining("fetch or make it");
  }

  @Test
  void damagedSearchIndex_doesNotKeepTheRowsAway() throws SQLException {
    String[] schema = {
      "CREATE TABLE d(k INTEGER PRIMARY KEY, v)",
      "CREATE VIRTUAL TABLE ft USING fts5(v, content=d, content_rowid=k)",
      "CREATE TRIGGER di AFTER INSERT ON d BEGIN INSERT INTO ft(rowid,v) VALUES(new.k,new.v); END",
      "CREATE TRIGGER dd AFTER DELETE ON d BEGIN"
          + " INSERT INTO ft(ft,rowid,v) VALUES('delete',old.k,old.v); END"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run("INSERT INTO d VALUES(1,'one'),(2,'two'),(3,'three')");
    a.publish(b);
    a.run("DELETE FROM d WHERE k<3", "INSERT INTO d VALUES(2,'new'),(4,'four')");
    a.publish();
    b.run("INSERT INTO ft(ft,rowid,v) SELECT 'delete',k,v FROM d");
    install(b, snapshot(a));
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
    assertThat(b.store.warnings()).singleElement().asString().contains("search index");
    b.run("INSERT INTO ft(ft) VALUES('rebuild')", "DELETE FROM d");
  }

  @Test
  void installInAFileOfAnotherEncoding_isRefused_andTheStoreGoesOn() throws Exception {
    Replica a = open(1, TABLE);
    Replica b = open(2, "PRAGMA encoding='UTF-16le'", TABLE);
    SqliteSnapshot snapshot = snapshot(a);
    assertThatThrownBy(() -> b.store.install(snapshot)).hasMessageContaining("UTF-16le");
    b.run("INSERT INTO t VALUES(1,1)");
    b.publish();
    assertThat(b.store.state().position()).isZero();
    assertThat(snapshot.digests(TablePatterns.NONE)).isEqualTo(a.store.digests());
  }
}
