package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.Conflict.Reason;
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

      assertThat(reasons(one)).containsExactly(Reason.OVERWRITTEN);
      assertThat(reasons(two)).containsExactly(Reason.PENDING);
    }
  }
}
