package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.replication.HeldRetry.Retried;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules for held rows on real files: node 1 has the table, node 2 gets it later. */
class HeldRetryTest {
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, v)";

  @TempDir private Path directory;

  private final List<Side> opened = new ArrayList<>();

  @AfterEach
  void close() throws SQLException {
    for (Side side : opened) {
      side.store.close();
      side.application.close();
    }
  }

  @Test
  void tableCreated_heldRowsAreStoredAndNothingIsHeld() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a',x'00ff'),(2,'b',2.5)");
    one.publish(two);
    assertThat(two.store.asideCounts().held()).isEqualTo(2);
    assertThat(two.step()).isTrue();
    assertThat(two.step()).as("nothing changed since").isFalse();

    two.run(TABLE);
    assertThat(two.step()).isTrue();

    assertThat(two.query("SELECT id,u,quote(v) FROM t ORDER BY id"))
        .isEqualTo("1|a|X'00FF' 2|b|2.5");
    assertThat(two.store.asideCounts().held()).isZero();
    assertThat(two.store.capture(0, Side.ALL)).as("nothing is captured of it").isEmpty();
  }

  @Test
  void newerImage_endsTheHolding() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a',1),(2,'b',1)");
    one.publish(two);
    two.run(TABLE);
    one.run("UPDATE t SET v=2 WHERE id=1", "DELETE FROM t WHERE id=2");
    one.publish(two);

    assertThat(two.store.asideCounts().held()).isZero();
    var unused = two.step();
    assertThat(two.query("SELECT id,u,v FROM t")).isEqualTo("1|a|2");
  }

  @Test
  void pendingKey_isNotOverwritten_andTheHeldImageIsAConflictEverywhere() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a','theirs')");
    one.publish(two);
    two.run(TABLE, "INSERT INTO t VALUES(1,'b','mine')");
    CapturedChanges before = two.store.capture(0, Side.ALL).orElseThrow();
    assertThat(before.rows().get(0).over()).as("captured before the retry").isTrue();

    assertThat(two.step()).isTrue();

    assertThat(two.query("SELECT v FROM t")).isEqualTo("mine");
    assertThat(two.store.asideCounts().held()).isZero();
    assertThat(two.conflicts())
        .singleElement()
        .satisfies(
            logged -> {
              assertThat(logged.conflict().losingOrigin()).isEqualTo(1);
              assertThat(logged.conflict().reason()).isEqualTo(Conflict.Reason.PENDING);
            });
    two.publish(one);
    assertThat(one.query("SELECT v FROM t")).isEqualTo("mine");
    assertThat(one.conflicts()).hasSize(1);
  }

  @Test
  void rowThatWouldCollide_staysHeldUntilThereIsRoom() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a',1)");
    one.publish(two);
    two.run(TABLE);
    one.run("UPDATE t SET u='free' WHERE id=1", "INSERT INTO t VALUES(2,'a',2)");
    CapturedChanges second = one.capture();
    // Only the second row arrives: as if the first had been refused for another reason.
    two.apply(one, second, rows -> rows.subList(1, 2));

    CompletableFuture<Retried> asked = two.retry.request();
    assertThat(two.step()).isTrue();
    assertThat(asked).isCompletedWithValue(new Retried(0, 1));
    assertThat(two.query("SELECT id,u FROM t")).isEqualTo("2|a");
    assertThat(two.heldReasons()).singleElement().asString().contains("UNIQUE");

    two.run("UPDATE t SET u='moved' WHERE id=2");
    two.publish(one);
    asked = two.retry.request();
    assertThat(two.step()).isTrue();
    assertThat(asked).isCompletedWithValue(new Retried(1, 0));
    assertThat(two.query("SELECT id,u FROM t ORDER BY id")).isEqualTo("1|a 2|moved");
  }

  @Test
  void pendingCollider_parksTheHeldRow() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a',1)");
    one.publish(two);
    two.run(TABLE, "INSERT INTO t VALUES(9,'a','mine')");

    assertThat(two.step()).isTrue();

    assertThat(two.query("SELECT id FROM t")).isEqualTo("9");
    assertThat(two.store.asideCounts().held()).isZero();
    assertThat(two.store.asideCounts().parked()).isEqualTo(1);
    two.publish(one);
    assertThat(two.store.asideCounts().parked()).isZero();
    assertThat(one.query("SELECT id,v FROM t")).isEqualTo("9|mine");
    assertThat(two.query("SELECT id,v FROM t")).isEqualTo("9|mine");
    assertThat(one.conflicts()).hasSize(1);
    assertThat(two.conflicts()).hasSize(1);
  }

  @Test
  void ofTwoHeldRowsThatExcludeEachOther_theLaterIsStored() throws SQLException {
    Side one = open(1, TABLE);
    Side two = open(2, "CREATE TABLE other(x)");
    one.run("INSERT INTO t VALUES(1,'a',1)");
    one.publish(two);
    one.run("DELETE FROM t WHERE id=1", "INSERT INTO t VALUES(2,'a',2)");
    CapturedChanges second = one.capture();
    two.apply(one, second, rows -> rows.stream().filter(row -> !row.tombstone()).toList());
    two.run(TABLE);

    assertThat(two.step()).isTrue();

    assertThat(two.query("SELECT id FROM t")).isEqualTo("2");
    assertThat(two.store.asideCounts().held()).isEqualTo(1);
  }

  @Test
  void ownWriteThatOvertakes_endsTheHolding() throws SQLException {
    Side one = open(1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    Side two = open(2, "CREATE TABLE t(id INTEGER PRIMARY KEY, v NOT NULL)");
    one.run("INSERT INTO t VALUES(1,'first')");
    one.publish(two);
    one.run("UPDATE t SET v=NULL");
    one.publish(two);
    assertThat(two.store.asideCounts().held()).isEqualTo(1);
    two.run("UPDATE t SET v='mine'");
    two.publish(one);

    assertThat(two.store.asideCounts().held()).isZero();
    assertThat(one.query("SELECT v FROM t")).isEqualTo("mine");
    assertThat(two.query("SELECT v FROM t")).isEqualTo("mine");
    assertThat(one.conflicts()).as("the image that node 2 never showed lost").hasSize(1);
    assertThat(two.conflicts()).hasSize(1);
  }

  private Side open(int node, String... schema) throws SQLException {
    Path file = directory.resolve("n" + node + ".db");
    Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement statement = application.createStatement()) {
      for (String sql : schema) {
        statement.execute(sql);
      }
    }
    Side side =
        new Side(
            node, application, SqliteReplicaStore.open(file, StoreOptions.defaults("n" + node)));
    opened.add(side);
    return side;
  }

  /** One node: an application, the store, the rules. Confined to the test's thread. */
  private static final class Side {
    static final CaptureLimits ALL = new CaptureLimits(1_000, 1 << 20);

    private final int node;
    private final Connection application;
    private final SqliteReplicaStore store;
    private final HeldRetry retry;
    private final WriterWindow window = new WriterWindow(1_000, List.of(), 0);
    private long number;

    private Side(int node, Connection application, SqliteReplicaStore store) {
      this.node = node;
      this.application = application;
      this.store = store;
      this.retry = new HeldRetry(store);
    }

    private void run(String... statements) throws SQLException {
      try (Statement statement = application.createStatement()) {
        for (String sql : statements) {
          statement.execute(sql);
        }
      }
    }

    private String query(String sql) throws SQLException {
      List<String> rows = new ArrayList<>();
      try (Statement statement = application.createStatement();
          ResultSet found = statement.executeQuery(sql)) {
        while (found.next()) {
          List<String> cells = new ArrayList<>();
          for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
            cells.add(String.valueOf(found.getString(i)));
          }
          rows.add(String.join("|", cells));
        }
      }
      return String.join(" ", rows);
    }

    private List<LoggedConflict> conflicts() {
      List<LoggedConflict> all = new ArrayList<>();
      store.conflicts(0, all::add);
      return all;
    }

    private List<String> heldReasons() {
      List<String> reasons = new ArrayList<>();
      store.held(0, row -> reasons.add(row.held().reason()));
      return reasons;
    }

    private CapturedChanges capture() {
      return store.capture(store.state().lastOf(node).maxSeq(), ALL).orElseThrow();
    }

    /** Captures, and applies at the same position here and there. */
    private void publish(Side other) {
      CapturedChanges changes = capture();
      apply(this, changes, rows -> rows);
      other.apply(this, changes, rows -> rows);
    }

    private void apply(Side origin, CapturedChanges changes, UnaryOperator<List<RowImage>> choice) {
      if (origin == this) {
        number++;
      }
      ChangeSet set =
          new ChangeSet(
              new ChangeSetId(origin.node, 1, origin.number),
              changes.maxSeq(),
              changes.file(),
              changes.base(),
              choice.apply(changes.rows()));
      long position = store.state().position() + 1;
      try (ApplyTransaction tx = store.begin()) {
        rules(tx).apply(set, position, 0);
        tx.last(origin.node, new LastApplied(1, origin.number, changes.maxSeq(), changes.file()));
        if (origin == this) {
          tx.trimChangeLog(changes.maxSeq());
        }
        rules(tx).rejudgeParked(position);
        tx.position(1, position);
        tx.commit();
      }
    }

    private RowRules rules(ApplyTransaction tx) {
      return new RowRules(tx, window, node, store.state().file(), ProtocolRules.ALL);
    }

    /** Tries held rows until there is nothing to do; says whether there was something. */
    private boolean step() {
      long position = store.state().position();
      boolean any = false;
      while (retry.step(
          (tx, held) -> rules(tx).retry(held, position), tx -> rules(tx).rejudgeParked(position))) {
        any = true;
      }
      return any;
    }
  }
}
