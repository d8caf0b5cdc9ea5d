package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.replication.HeldRetry.Retried;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.Conflict;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
      side.close();
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
    assertThat(two.conflicts()).as("nothing is decided yet").isEmpty();
    two.publish(one);
    assertThat(one.query("SELECT v FROM t")).isEqualTo("mine");
    for (Side side : List.of(one, two)) {
      assertThat(side.conflicts())
          .singleElement()
          .satisfies(
              logged -> {
                assertThat(logged.conflict().losingOrigin()).isEqualTo(1);
                assertThat(logged.conflict().winningOrigin()).isEqualTo(2);
                assertThat(logged.conflict().reason()).isEqualTo(Conflict.Reason.OVERWRITTEN);
              });
    }
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
    Side side = Side.open(directory, node, schema);
    opened.add(side);
    return side;
  }
}
