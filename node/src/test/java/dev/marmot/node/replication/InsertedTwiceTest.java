package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.Conflict.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes insert different rows under one key: the loser is told apart from an update. */
class InsertedTwiceTest {
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";

  @TempDir Path directory;
  private int cases;

  private static List<Reason> reasons(Side side) {
    return side.conflicts().stream().map(logged -> logged.conflict().reason()).toList();
  }

  @Test
  void sameKeyInsertedOnTwoNodes_theLoserSaysSoEverywhere() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE)) {
      one.run("INSERT INTO t(v) VALUES('of one')");
      two.run("INSERT INTO t(v) VALUES('of two')");
      var first = one.capture();
      var second = two.capture();
      for (Side side : List.of(one, two)) {
        side.apply(one, first, UnaryOperator.identity());
        side.apply(two, second, UnaryOperator.identity());
      }

      for (Side side : List.of(one, two)) {
        assertThat(side.query("SELECT * FROM t")).isEqualTo("1|of two");
        assertThat(reasons(side)).containsExactly(Reason.INSERTED_TWICE);
        assertThat(side.conflicts().get(0).conflict().losingOrigin()).isEqualTo(1);
      }
    }
  }

  /** The limits of the reason that docs/keys.md tells. */
  @Test
  void replaceOverARow_countsAsInsert_unlessTriggersRecurse_andAMoveDoesNot() throws Exception {
    assertThat(updatedThere("REPLACE INTO t VALUES(1,'here')")).isEqualTo(Reason.INSERTED_TWICE);
    assertThat(updatedThere("PRAGMA recursive_triggers=ON", "REPLACE INTO t VALUES(1,'here')"))
        .isEqualTo(Reason.OVERWRITTEN);
    assertThat(
            updatedThere("INSERT INTO t VALUES(1,'here') ON CONFLICT(id) DO UPDATE SET v='here'"))
        .isEqualTo(Reason.OVERWRITTEN);
    assertThat(updatedThere("DELETE FROM t WHERE id=1", "INSERT INTO t VALUES(1,'here')"))
        .isEqualTo(Reason.OVERWRITTEN);
    assertThat(reasonAfter("INSERT INTO t VALUES(3,'there')", "UPDATE t SET id=3"))
        .isEqualTo(Reason.OVERWRITTEN);
  }

  private Reason updatedThere(String... here) throws SQLException, IOException {
    return reasonAfter("UPDATE t SET v='there'", here);
  }

  /** The reason for which what node 1 wrote lost against what node 2 wrote at the same time. */
  private Reason reasonAfter(String there, String... here) throws SQLException, IOException {
    Path own = directory.resolve("case" + cases++);
    try (Side one = Side.open(Files.createDirectories(own), 1, TABLE);
        Side two = Side.open(own, 2, TABLE)) {
      one.run("INSERT INTO t VALUES(1,0)");
      one.publish(two);
      one.run(there);
      two.run(here);
      var first = one.capture();
      var second = two.capture();
      one.apply(one, first, UnaryOperator.identity());
      one.apply(two, second, UnaryOperator.identity());
      assertThat(reasons(one)).hasSize(1);
      return reasons(one).get(0);
    }
  }

  @Test
  void sameRowUpdatedOnTwoNodes_isNoInsert() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE)) {
      one.run("INSERT INTO t VALUES(1,0)");
      one.publish(two);
      one.run("UPDATE t SET v='of one'");
      two.run("UPDATE t SET v='of two'");
      var first = one.capture();
      var second = two.capture();
      for (Side side : List.of(one, two)) {
        side.apply(one, first, UnaryOperator.identity());
        side.apply(two, second, UnaryOperator.identity());
      }

      for (Side side : List.of(one, two)) {
        assertThat(reasons(side)).containsExactly(Reason.OVERWRITTEN);
        assertThat(side.conflicts().get(0).conflict().position()).isEqualTo(2);
      }
    }
  }

  /** Two take one item off the same stock: the row says that one was taken. */
  @Test
  void sameContentWrittenOnTwoNodes_isToldEverywhere() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE);
        Side three = Side.open(directory, 3, TABLE)) {
      one.run("INSERT INTO t VALUES(1,10)");
      var stock = one.capture();
      List.of(one, two, three).forEach(side -> side.apply(one, stock, UnaryOperator.identity()));
      one.run("UPDATE t SET v=v-1");
      two.run("UPDATE t SET v=v-1");
      var first = one.capture();
      var second = two.capture();
      for (Side side : List.of(one, two, three)) {
        side.apply(one, first, UnaryOperator.identity());
        side.apply(two, second, UnaryOperator.identity());
      }

      for (Side side : List.of(one, two, three)) {
        assertThat(side.query("SELECT v FROM t")).isEqualTo("9");
        assertThat(reasons(side)).containsExactly(Reason.EQUAL);
      }
    }
  }

  /** Each node had its application rebuild the table while Marmot was not there. */
  @Test
  void sameRowsSentAgainByEachNode_areNoConflict() throws SQLException {
    String[] migration = {
      "CREATE TABLE n(id INTEGER PRIMARY KEY, v, w DEFAULT 7)",
      "INSERT INTO n SELECT id,v,7 FROM t",
      "DROP TABLE t",
      "ALTER TABLE n RENAME TO t"
    };
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE)) {
      one.run("INSERT INTO t VALUES(1,'same'),(2,'other')");
      one.publish(two);
      one.run(migration);
      two.run(migration);
      two.run("UPDATE t SET v='changed' WHERE id=2");
      var first = one.capture();
      var second = two.capture();
      for (Side side : List.of(one, two)) {
        side.apply(one, first, UnaryOperator.identity());
        side.apply(two, second, UnaryOperator.identity());
      }

      for (Side side : List.of(one, two)) {
        assertThat(side.conflicts())
            .as("only what is lost")
            .singleElement()
            .satisfies(
                logged -> assertThat(logged.conflict().losing().key().toString()).contains("2"));
      }
    }
  }
}
