package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that holds a large row back does not know what the order log put under its key. */
class HeldBackDonorTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir private Path directory;

  @Test
  void snapshot_isRefusedWithAReason_untilTheRowIsSent() throws Exception {
    try (Side side = Side.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        Replicator replicator =
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT)) {
      replicator.start(new LocalLogs(replicator), () -> true);
      side.run("INSERT INTO t VALUES(1,zeroblob(9000000))", "INSERT INTO t VALUES(2,2)");
      await().atMost(SOON).until(() -> side.store.heldBackRows() == 1);
      await().atMost(SOON).until(() -> side.store.pendingChanges() == 0);
      assertThatThrownBy(replicator::donate)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("cannot make a snapshot of this node: 1 of its rows are larger");

      side.run("UPDATE t SET v=1 WHERE id=1");
      await().atMost(SOON).until(() -> side.store.heldBackRows() == 0);
      await().atMost(SOON).until(() -> side.store.pendingChanges() == 0);
      try (Donation donation = replicator.donate()) {
        assertThat(donation.step()).isTrue();
      }
      assertThat(replicator.error()).isEmpty();
    }
  }
}
