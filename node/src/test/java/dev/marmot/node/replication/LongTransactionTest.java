package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.marmot.sqlite.StagedReplica;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application holds a write transaction for long: it delays, never breaks.
 *
 * <p>The store's connections wait for a lock for 250 ms at a time and then look whether they may go
 * on, so two seconds pass every such wait several times. {@code -Dhold.seconds=60} holds for as
 * long as one likes.
 */
class LongTransactionTest {
  private static final Duration HOLD = Duration.ofSeconds(Long.getLong("hold.seconds", 2));
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)";

  @TempDir private Path directory;

  @Test
  void transactionHeldForLong_delaysAndBreaksNothing() throws Exception {
    try (Side side = Side.open(directory, 1, TABLE);
        ForeignNode other = ForeignNode.open(directory, TABLE);
        Replicator replicator =
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT)) {
      LocalLogs logs = new LocalLogs(replicator);
      replicator.start(logs, () -> true);
      side.run("INSERT INTO t VALUES(1,'before')");
      await().atMost(SOON).until(() -> side.store.pendingChanges() == 0);
      long position = replicator.reached(0).get();

      // A new table makes everybody read the schema again when it appears.
      side.run(
          "BEGIN IMMEDIATE", "INSERT INTO t VALUES(2,'mine')", "CREATE TABLE u(k PRIMARY KEY)");
      side.run("INSERT INTO u VALUES('new')");
      other.send(logs, other.rows("INSERT INTO t VALUES(3,'theirs')"));
      other.send(logs, other.rows("UPDATE t SET v='theirs again'"));
      await()
          .during(HOLD)
          .atMost(HOLD.plus(SOON))
          .until(() -> replicator.error().isEmpty() && side.store.state().position() <= position);
      try (StagedReplica copy = side.store.stage()) {
        assertThat(copy.store().state().position()).as("a snapshot meanwhile").isEqualTo(position);
      }
      side.run("COMMIT");

      await()
          .atMost(SOON)
          .untilAsserted(
              () -> {
                assertThat(side.query("SELECT * FROM t ORDER BY id"))
                    .isEqualTo("1|before 2|mine 3|theirs again");
                assertThat(side.store.pendingChanges()).isZero();
              });
      assertThat(replicator.error()).isEmpty();
      assertThat(replicator.appliedRows()).as("2, 3 twice, and the row of u").isEqualTo(5);
      assertThat(side.conflicts()).isEmpty();
    }
  }
}
