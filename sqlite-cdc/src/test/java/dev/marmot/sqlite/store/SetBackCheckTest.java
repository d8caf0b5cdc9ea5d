package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.FileSetBackException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** What `.restore` does: SQLite's backup API writes an older image into the live file. */
final class SetBackCheckTest extends WithReplicas {
  private static final String SCHEMA = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";

  private Path image(Replica replica) throws SQLException {
    Path image = directory.resolve("image.db");
    replica.run("backup to '" + image + "'");
    return image;
  }

  private static void assertSetBack(Replica replica, String why) throws SQLException {
    String before = replica.query("SELECT count(*) FROM __marmot_guard");
    assertThatThrownBy(replica::capture)
        .isInstanceOf(FileSetBackException.class)
        .hasMessageContaining(why)
        .hasMessageContaining("--adopt");
    assertThatThrownBy(
            () -> {
              try (ApplyTransaction transaction = replica.store.begin()) {
                transaction.commit();
              }
            })
        .isInstanceOf(FileSetBackException.class);
    replica.run("INSERT INTO t VALUES(99, 'the application can go on')");
    assertThat(replica.query("SELECT count(*) FROM __marmot_guard")).isEqualTo(before);
  }

  @Test
  void anEarlierPosition_isNoticed_byCaptureAndByApply() throws SQLException {
    Replica a = open(1, SCHEMA);
    Replica b = open(2, SCHEMA);
    a.run("INSERT INTO t VALUES(1, 'x')");
    a.publish(b);
    Path image = image(a);
    a.run("INSERT INTO t VALUES(2, 'y')");
    a.publish(b);
    a.run("restore from '" + image + "'", "INSERT INTO t VALUES(3, 'z'), (4, 'z'), (5, 'z')");
    assertSetBack(a, "and stood at");
  }

  @Test
  void anEarlierStart_isNoticed_atTheSamePosition() throws SQLException {
    Replica a = open(1, SCHEMA);
    a.store.start("1 00");
    Path image = image(a);
    a.store.start("2 00");
    a.run("restore from '" + image + "'", "INSERT INTO t VALUES(3, 'z')");
    assertSetBack(a, "of another start");
  }

  @Test
  void aShorterChangeLog_isNoticed_atTheSamePosition() throws SQLException {
    Replica a = open(1, SCHEMA);
    a.run("INSERT INTO t VALUES(1, 'x')");
    Path image = image(a);
    a.run("INSERT INTO t VALUES(2, 'y'), (3, 'y')");
    assertThat(a.capture()).isPresent();
    a.run("restore from '" + image + "'", "INSERT INTO t VALUES(4, 'z')");
    assertThatThrownBy(a::capture)
        .isInstanceOf(FileSetBackException.class)
        .hasMessageContaining("its change log ends with row 2, and had row 3");
  }

  @Test
  void aFileThatIsReplacedByItself_isNone() throws SQLException {
    Replica a = open(1, SCHEMA);
    Replica b = open(2, SCHEMA);
    a.run("INSERT INTO t VALUES(1, 'x')");
    a.publish(b);
    a.run("restore from '" + image(a) + "'", "INSERT INTO t VALUES(2, 'y')");
    a.publish(b);
    assertThat(b.query("SELECT count(*) FROM t")).isEqualTo("2");
  }
}
