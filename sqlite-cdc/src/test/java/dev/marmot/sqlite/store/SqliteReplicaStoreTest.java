package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class SqliteReplicaStoreTest extends WithReplicas {
  private static void assertEqual(Replica a, Replica b) throws SQLException {
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
    assertThat(a.query("SELECT count(*) FROM __marmot_guard")).isEqualTo("0");
    assertThat(a.store.warnings()).isEmpty();
    assertThat(b.store.warnings()).isEmpty();
  }

  @Test
  void values_arriveBitForBit() throws SQLException {
    String schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c BLOB, d REAL)";
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run(
        "INSERT INTO t VALUES(1, -0.0, CAST(x'c328ff' AS TEXT), x'', 9e999)",
        "INSERT INTO t VALUES(2, 9223372036854775807, CAST(x'610062' AS TEXT), x'00', -9e999)",
        "INSERT INTO t VALUES(3, '', '', zeroblob(70000), 1e-320)",
        "INSERT INTO t VALUES(-9223372036854775808, NULL, NULL, NULL, NULL)");
    a.publish(b);
    assertEqual(a, b);
    assertThat(b.query("SELECT hex(b), typeof(a), typeof(d) FROM t WHERE id=1"))
        .isEqualTo("C328FF|real|real");
    assertThat(b.query("SELECT printf('%g', 1/a) FROM t WHERE id=1"))
        .isEqualTo(a.query("SELECT printf('%g', 1/a) FROM t WHERE id=1"));
  }

  @Test
  void utf16Files_keepTheirBytes() throws SQLException {
    String[] schema = {
      "PRAGMA encoding='UTF-16le'",
      "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v, u TEXT UNIQUE)"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run(
        "INSERT INTO t VALUES('\u00c4b', CAST(x'00d8ff00' AS TEXT), 'x'), ('c', '\ud83d\ude00', 'y')");
    a.publish(b);
    a.run(
        "UPDATE t SET u=CASE u WHEN 'x' THEN 'y' ELSE 'x' END WHERE 0",
        "DELETE FROM t WHERE k='C'");
    a.publish(b);
    assertEqual(a, b);
    assertThat(b.query("SELECT k,u FROM t")).isEqualTo("\u00c4b|x");
  }

  @Test
  void swappedUniqueValues_keepRowidsAndRows() throws SQLException {
    String schema = "CREATE TABLE t(k TEXT PRIMARY KEY, u INTEGER UNIQUE, v)";
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run("INSERT INTO t VALUES('a',1,'x'),('b',2,'y'),('c',3,'z')");
    a.publish(b);
    b.run("UPDATE t SET rowid=rowid+100");
    b.publish(a);
    a.run("UPDATE t SET u=-u", "UPDATE t SET u=CASE u WHEN -1 THEN 2 WHEN -2 THEN 3 ELSE 1 END");
    a.run("INSERT INTO t VALUES('d',4,'w')");
    a.publish(b);
    assertEqual(a, b);
    assertThat(b.query("SELECT k,u,rowid FROM t ORDER BY k"))
        .isEqualTo("a|2|101\nb|3|102\nc|1|103\nd|4|104");
  }

  @Test
  void collidingRow_isFoundByCollationExpressionAndPartialIndex() throws SQLException {
    String[] schema = {
      "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT, e TEXT, live, p)",
      "CREATE UNIQUE INDEX tn ON t(n COLLATE NOCASE)",
      "CREATE UNIQUE INDEX te ON t(lower(e))",
      "CREATE UNIQUE INDEX tp ON t(p) WHERE live=1"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    b.run(
        "INSERT INTO t VALUES(1,'ABC','q',1,1),(2,'x','Mail',1,2),(3,'y','z',1,3),(4,'w','w',0,3)");
    b.store.begin().close();
    a.run("INSERT INTO t VALUES(10,'abc','mail',1,3)");
    RowImage image = a.capture().orElseThrow().rows().get(0);
    try (ApplyTransaction transaction = b.store.begin()) {
      assertThat(transaction.colliders(image))
          .extracting(row -> row.key().get(0))
          .containsExactlyInAnyOrder(
              new SqliteValue.Int(1), new SqliteValue.Int(2), new SqliteValue.Int(3));
      transaction.park(image, 1);
      RowImage other = withKey(image, 11);
      assertThat(transaction.parkedColliders(other)).hasSize(1);
      assertThat(transaction.parkedColliders(image)).isEmpty();
    }
  }

  private static RowImage withKey(RowImage image, long key) {
    return new RowImage(
        image.shape(), List.of(new SqliteValue.Int(key)), image.values(), false, false, key);
  }

  @Test
  void userTriggers_doNotRunOnReplicas_andStayToTheLetter() throws SQLException {
    String[] schema = {
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
      "CREATE TABLE audit(id INTEGER PRIMARY KEY, what)",
      "CREATE TRIGGER  \"one WHEN\" AFTER INSERT ON t /* ;END */ BEGIN INSERT INTO audit(what)"
          + " VALUES('one ' || NEW.id); END",
      "CREATE TRIGGER two AFTER INSERT ON t WHEN NEW.v='fail' BEGIN SELECT RAISE(ABORT,'no'); END",
      "CREATE TRIGGER three AFTER UPDATE ON t BEGIN SELECT no_such_function(NEW.v); END"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    String version = b.query("PRAGMA schema_version");
    String triggers = triggers(b);
    a.run("INSERT INTO t VALUES(1,'a'),(2,'b')");
    a.publish(b);
    assertThat(b.query("SELECT count(*) FROM audit")).isEqualTo("2");
    assertEqual(a, b);
    assertThat(b.query("PRAGMA schema_version")).isEqualTo(version);
    assertThat(triggers(b)).isEqualTo(triggers);
    b.run("INSERT INTO t VALUES(3,'c')");
    assertThat(b.query("SELECT count(*) FROM audit")).isEqualTo("3");
  }

  private static String triggers(Replica replica) throws SQLException {
    return replica.query(
        "SELECT name,sql FROM sqlite_schema WHERE type='trigger' AND name NOT LIKE '\\_\\_%'"
            + " ESCAPE '\\' ORDER BY rowid");
  }

  @Test
  void searchIndex_isKeptByItsTriggersEverywhere() throws SQLException {
    for (boolean withUpdate : List.of(true, false)) {
      String delete = "INSERT INTO f(f,rowid,body) VALUES('delete',OLD.id,OLD.body);";
      String insert = "INSERT INTO f(rowid,body) VALUES(NEW.id,NEW.body);";
      List<String> schema =
          new ArrayList<>(
              List.of(
                  "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)",
                  "CREATE VIRTUAL TABLE f USING fts5(body, content='t', content_rowid='id')",
                  "CREATE TRIGGER ti AFTER INSERT ON t BEGIN " + insert + " END",
                  "CREATE TRIGGER td AFTER DELETE ON t BEGIN " + delete + " END"));
      if (withUpdate) {
        schema.add("CREATE TRIGGER tu AFTER UPDATE ON t BEGIN " + delete + insert + " END");
      }
      Replica a = open(withUpdate ? 1 : 3, schema.toArray(String[]::new));
      Replica b = open(withUpdate ? 2 : 4, schema.toArray(String[]::new));
      a.run("INSERT INTO t VALUES(1,'red fox'),(2,'blue whale'),(3,'grey wolf')");
      a.publish(b);
      a.run(
          withUpdate
              ? "UPDATE t SET body='green fox' WHERE id=1"
              : "REPLACE INTO t VALUES(1,'green fox')",
          "DELETE FROM t WHERE id=3");
      a.publish(b);
      assertThat(b.query("SELECT rowid FROM f WHERE f MATCH 'green'")).isEqualTo("1");
      assertThat(b.query("SELECT count(*) FROM f WHERE f MATCH 'red OR wolf'")).isEqualTo("0");
      b.run("INSERT INTO f(f, rank) VALUES('integrity-check', 1)");
      assertThat(b.store.digests()).isEqualTo(a.store.digests());
    }
  }

  @Test
  void pendingKeys_areExact_andRollBackWithTheTransaction() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v)");
    a.run("INSERT INTO t VALUES('a',1),('b',2)", "UPDATE t SET v=9 WHERE k='a'");
    CapturedChanges changes = a.capture().orElseThrow();
    assertThat(changes.rows()).hasSize(2);
    RowImage second = changes.rows().get(1);
    try (ApplyTransaction transaction = a.store.begin()) {
      RowKey key = transaction.key(second);
      assertThat(transaction.pendingSeq(key)).hasValue(changes.maxSeq());
      transaction.settle(key);
      assertThat(transaction.pendingSeq(key)).isEmpty();
    }
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.pendingSeq(transaction.key(second))).hasValue(changes.maxSeq());
    }
    assertThat(a.store.pendingChanges()).isEqualTo(3);
    a.publish();
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.pendingSeq(transaction.key(second))).isEmpty();
    }
    assertThat(a.store.pendingChanges()).isZero();
    assertThat(a.query("SELECT count(*) FROM __marmot_change_log")).isEqualTo("1");
    a.reopen();
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.pendingSeq(transaction.key(second))).isEmpty();
    }
    assertThat(a.capture()).isEmpty();
    a.run("UPDATE t SET v=10 WHERE k='A'");
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.pendingSeq(transaction.key(second))).hasValue(a.store.newestSeq());
    }
  }

  @Test
  void applied_isNotCapturedAgain() throws SQLException {
    String schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)";
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run("INSERT INTO t VALUES(1,1),(2,2)");
    a.publish(b);
    assertThat(b.capture()).isEmpty();
    assertThat(b.store.pendingChanges()).isZero();
  }

  @Test
  void uncommitted_leavesEverythingAsBefore() throws SQLException {
    String[] schema = {
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"
    };
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    String before = b.query("SELECT * FROM sqlite_schema");
    a.run("INSERT INTO t VALUES(1,1)");
    CapturedChanges changes = a.capture().orElseThrow();
    try (ApplyTransaction transaction = b.store.begin()) {
      b.apply(transaction, changes, a);
      transaction.position(3, 7);
      transaction.park(changes.rows().get(0), 1);
    }
    assertThat(b.store.state().position()).isEqualTo(-1);
    assertThat(b.query("SELECT * FROM sqlite_schema")).isEqualTo(before);
    assertThat(b.query("SELECT count(*) FROM t")).isEqualTo("0");
    assertThat(b.query("SELECT count(*) FROM __marmot_parked")).isEqualTo("0");
    assertThat(b.query("SELECT count(*) FROM __marmot_guard")).isEqualTo("0");
    b.apply(changes, a);
    assertThat(b.query("SELECT * FROM t")).isEqualTo("1|1");
  }

  @Test
  void bookkeeping_survivesReopening() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    long file = a.store.state().file();
    a.run("INSERT INTO t VALUES(1,1)");
    RowImage image = a.capture().orElseThrow().rows().get(0);
    try (ApplyTransaction transaction = a.store.begin()) {
      transaction.last(2, new LastApplied(3, 4, 5, -6, -1));
      transaction.minEpoch(2, 3);
      transaction.addWriters(new WriterEntry(40, 0, 2, -6, new long[] {1, -2}));
      transaction.addWriters(new WriterEntry(41, 1, 2, -6, new long[] {3}));
      transaction.windowStart(41);
      transaction.park(image, 2);
      transaction.skip(transaction.key(image));
      transaction.hold(image, 2, "for a test");
      transaction.conflict(new Conflict(image, 1, 2, 41, Conflict.Reason.DISPLACED));
      transaction.position(7, 41);
      transaction.commit();
    }
    a.store.meta("cluster", "c1");
    a.reopen();
    assertThat(a.store.state().file()).isEqualTo(file);
    assertThat(a.store.state().term()).isEqualTo(7);
    assertThat(a.store.state().position()).isEqualTo(41);
    assertThat(a.store.state().windowStart()).isEqualTo(41);
    assertThat(a.store.state().lastOf(2)).isEqualTo(new LastApplied(3, 4, 5, -6, -1));
    assertThat(a.store.state().minEpochOf(2)).isEqualTo(3);
    assertThat(a.store.writers()).hasSize(1);
    assertThat(a.store.writers().get(0).keyHashes()).containsExactly(3);
    assertThat(a.store.meta("cluster")).contains("c1");
    assertThat(a.store.meta("node")).isEmpty();
    assertThat(a.store.warnings()).singleElement().asString().contains("held").contains("test");
    assertThat(a.capture().orElseThrow().rows().get(0).over()).isTrue();
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.parked())
          .singleElement()
          .satisfies(
              p -> {
                assertThat(p.image()).isEqualTo(image);
                assertThat(p.origin()).isEqualTo(2);
                transaction.unpark(p.key());
                transaction.unskip(p.key());
                transaction.unhold(p.image());
              });
      transaction.commit();
    }
    assertThat(a.store.warnings()).isEmpty();
    assertThat(a.capture().orElseThrow().rows().get(0).over()).isFalse();
  }

  @Test
  void rowThatCannotBeStored_isRefusedAndTheRestGoesOn() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE u(x)");
    Replica b = open(2, "CREATE TABLE t(id INTEGER PRIMARY KEY, v NOT NULL)");
    a.run("INSERT INTO t VALUES(1,NULL),(2,2)", "INSERT INTO u VALUES(1)");
    a.publish(b);
    assertThat(b.query("SELECT * FROM t")).isEqualTo("2|2");
    assertThat(b.store.warnings()).hasSize(2);
    assertThat(b.store.warnings()).anyMatch(w -> w.contains("NOT NULL constraint failed"));
  }

  @Test
  void columns_areMatchedByName() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b UNIQUE)");
    Replica b =
        open(
            2,
            "CREATE TABLE T(b UNIQUE, extra DEFAULT 'd', A, g AS (a||'!'), id INTEGER PRIMARY KEY)");
    a.run("INSERT INTO t VALUES(1,'x',1),(2,'y',2)");
    a.publish(b);
    assertThat(b.store.warnings()).isEmpty();
    b.run("UPDATE t SET extra='kept' WHERE id=1").publish();
    a.run("UPDATE t SET b=b+10");
    a.publish(b);
    assertThat(b.query("SELECT id,a,b,extra,g FROM t ORDER BY id"))
        .isEqualTo("1|x|11|kept|x!\n2|y|12|d|y!");
  }

  @Test
  void capture_cutsByLimits_inOrderOfTheLog() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    a.run(
        "INSERT INTO t VALUES(1,1),(2,2),(3,zeroblob(1000)),(4,4)", "UPDATE t SET v=0 WHERE id=1");
    CapturedChanges first = a.store.capture(0, new CaptureLimits(2, 1 << 20)).orElseThrow();
    assertThat(first.complete()).isFalse();
    assertThat(first.rows()).hasSize(2);
    CapturedChanges bytes = a.store.capture(0, new CaptureLimits(100, 900)).orElseThrow();
    assertThat(bytes.complete()).isFalse();
    assertThat(bytes.rows()).hasSize(1);
    CapturedChanges rest =
        a.store.capture(bytes.maxSeq(), new CaptureLimits(100, 1 << 20)).orElseThrow();
    assertThat(rest.complete()).isTrue();
    assertThat(rest.rows())
        .extracting(row -> row.key().get(0))
        .containsExactly(new SqliteValue.Int(3), new SqliteValue.Int(4), new SqliteValue.Int(1));
    assertThat(rest.maxSeq()).isEqualTo(a.store.newestSeq());
    assertThat(a.store.capture(rest.maxSeq(), Replica.ALL)).isEmpty();
  }

  @Test
  void tableMadeWhileRunning_isHookedWithItsRows() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    Replica b = open(2, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    String table = "CREATE TABLE n(a, b, c, v, PRIMARY KEY(a,b,c))";
    b.run(table);
    a.run(table, "INSERT INTO n VALUES(1,2,3,4)");
    a.publish(b);
    a.run(
        "INSERT INTO n VALUES(5,6,7,8)", "DROP TABLE t", "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    a.publish(b);
    assertThat(b.query("SELECT count(*) FROM n")).isEqualTo("2");
    assertEqual(a, b);
  }

  @Test
  void pendingKeys_ofATableMadeAnew_areKnownAfterARollback() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    a.run("INSERT INTO t VALUES(1)");
    a.publish();
    a.run("DROP TABLE t", "CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)");
    a.store.begin().close();
    RowImage image = a.capture().orElseThrow().rows().get(0);
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.pendingSeq(transaction.key(image))).hasValue(a.store.newestSeq());
    }
  }

  @Test
  void keysWithNull_areReportedAndDoNotTravel() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(k TEXT PRIMARY KEY, v)");
    a.run("INSERT INTO t VALUES(NULL,1),('a',2)");
    assertThat(a.capture().orElseThrow().rows()).hasSize(1);
    assertThat(a.store.warnings()).anyMatch(w -> w.contains("NULL in the primary key"));
  }

  @Test
  void conflictLog_isBounded() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    a.run("INSERT INTO t VALUES(1)");
    RowImage image = a.capture().orElseThrow().rows().get(0);
    StoreOptions defaults = StoreOptions.defaults("n1");
    a.store.close();
    a.store =
        SqliteReplicaStore.open(
            a.file,
            new StoreOptions("n1", defaults.excluded(), 3, defaults.poll(), defaults.clock()));
    for (int i = 0; i < 5; i++) {
      try (ApplyTransaction transaction = a.store.begin()) {
        transaction.conflict(new Conflict(image, 1, 2, i, Conflict.Reason.OVERWRITTEN));
        transaction.commit();
      }
    }
    assertThat(a.query("SELECT position FROM __marmot_conflict ORDER BY id")).isEqualTo("2\n3\n4");
  }

  @Test
  void diskFull_leavesEverythingAsBefore() throws SQLException {
    String schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";
    Replica a = open(1, schema);
    Replica b = open(2, schema);
    a.run("INSERT INTO t VALUES(1,zeroblob(5000000))");
    CapturedChanges changes = a.capture().orElseThrow();
    b.store.maxPages(Integer.parseInt(b.query("PRAGMA page_count")) + 20);
    assertThatThrownBy(() -> b.apply(changes, a))
        .isInstanceOf(SqliteReplicationException.class)
        .hasMessageContaining("cannot write to table t")
        .hasMessageContaining("free disk space");
    assertThat(b.store.state().position()).isEqualTo(-1);
    assertThat(b.query("SELECT count(*) FROM t")).isEqualTo("0");
    b.store.maxPages(1_000_000);
    b.apply(changes, a);
    assertThat(b.store.digests()).isEqualTo(a.store.digests());
  }

  @Test
  void onCommit_wakesWhenSomebodyCommits() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    AtomicInteger wakes = new AtomicInteger();
    a.store.onCommit(wakes::incrementAndGet);
    await().until(() -> wakes.get() > 0);
    int before = wakes.get();
    a.run("INSERT INTO t VALUES(1)");
    await().atMost(Duration.ofSeconds(5)).until(() -> wakes.get() > before);
    assertThatThrownBy(() -> a.store.onCommit(() -> {})).hasMessageContaining("listener is set");
  }

  @Test
  void sync_worksWithAndWithoutWal() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    a.run("INSERT INTO t VALUES(1)");
    a.store.sync();
    a.run("PRAGMA wal_checkpoint(TRUNCATE)");
    assertThat(a.file.resolveSibling("node1.db-wal")).isEmptyFile();
    a.store.sync();
    assertThat(a.query("SELECT count(*) FROM t")).isEqualTo("1");
  }

  @Test
  void begin_waitsForTheApplication_andCanBeInterrupted() throws Exception {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    a.run("BEGIN IMMEDIATE", "INSERT INTO t VALUES(1)");
    AtomicReference<Throwable> outcome = new AtomicReference<>();
    Thread applier =
        new Thread(
            () -> {
              try {
                a.store.begin().close();
              } catch (SqliteReplicationException e) {
                outcome.set(e);
              }
            },
            "applier");
    applier.start();
    applier.interrupt();
    applier.join(10_000);
    assertThat(outcome.get()).hasMessageContaining("interrupted");
    a.run("COMMIT");
    a.publish();
    assertThat(a.store.pendingChanges()).isZero();
  }

  @Test
  void write_andRefusal_areDistinguishedByResult() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    a.run("INSERT INTO t VALUES(1,1)");
    RowImage image = a.capture().orElseThrow().rows().get(0);
    try (ApplyTransaction transaction = a.store.begin()) {
      assertThat(transaction.write(image)).isEqualTo(WriteResult.Stored.STORED);
    }
  }
}
