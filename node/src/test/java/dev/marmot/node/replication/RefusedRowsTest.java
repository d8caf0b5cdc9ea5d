package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.CapturedChanges;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A row that SQLite refuses to compare, remove or store is held; everything else goes on. */
class RefusedRowsTest {
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)";
  private static final String INDEX =
      "CREATE UNIQUE INDEX only_here ON t(json_extract(v,'$.k')) WHERE id>0";

  @TempDir Path directory;

  @Test
  void rowThatAnIndexOfThisFileCannotCompute_isHeld_untilTheIndexIsGone() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE, INDEX)) {
      one.run("INSERT INTO t VALUES(1,'a','{\"k\":1}'),(2,'b','no json'),(3,'c','{\"k\":3}')");
      one.publish(two);
      assertThat(two.query("SELECT id FROM t")).isEqualTo("1 3");
      assertThat(two.heldReasons()).singleElement().asString().contains("malformed JSON");

      one.run("UPDATE t SET v='none either', u='d' WHERE id=1", "DELETE FROM t WHERE id=3");
      one.publish(two);
      assertThat(two.query("SELECT id,u FROM t")).as("what made room is back").isEqualTo("1|a");
      assertThat(two.heldReasons()).hasSize(2);
      assertThat(two.step()).isTrue();
      assertThat(two.heldReasons()).hasSize(2);

      two.run("DROP INDEX only_here");
      assertThat(two.step()).isTrue();
      assertThat(two.heldReasons()).isEmpty();
      assertThat(two.store.digests()).isEqualTo(one.store.digests());
    }
  }

  @Test
  void parkedRowThatCannotBeComparedAnyMore_isHeld() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE)) {
      two.run("INSERT INTO t VALUES(2,'a','{}')");
      one.run("INSERT INTO t VALUES(1,'a','no json')");
      one.publish(two);
      assertThat(two.store.asideCounts().parked()).isEqualTo(1);

      two.run(INDEX);
      one.run("INSERT INTO t VALUES(5,'e','{}')");
      one.publish(two);

      assertThat(two.store.asideCounts().parked()).isZero();
      assertThat(two.heldReasons()).singleElement().asString().contains("malformed JSON");
      assertThat(two.query("SELECT id FROM t")).isEqualTo("2 5");
    }
  }

  /** A local row that is on its way stands in the place of the refused one: it is what counts. */
  @Test
  void refusedRowUnderAPendingOne_isNotHeld() throws SQLException {
    try (Side one = Side.open(directory, 1, TABLE);
        Side two = Side.open(directory, 2, TABLE, INDEX)) {
      two.run("INSERT INTO t VALUES(1,'a','{}')");
      one.run("INSERT INTO t VALUES(1,'b','no json')");
      one.publish(two);
      assertThat(two.heldReasons()).isEmpty();
      CapturedChanges later = two.capture();
      one.apply(two, later, UnaryOperator.identity());
      two.apply(two, later, UnaryOperator.identity());
      assertThat(two.query("SELECT * FROM t")).isEqualTo("1|a|{}");
      assertThat(two.store.digests()).isEqualTo(one.store.digests());
    }
  }
}
