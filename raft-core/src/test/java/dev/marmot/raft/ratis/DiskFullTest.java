package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.ratis.TestCluster.Seen;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The disk of one node's raft logs is full, on a real file system of 32 MiB. */
class DiskFullTest {
  private static final ByteString LARGE = ByteString.copyFrom(new byte[200_000]);

  @TempDir private Path directory;

  @Test
  void reserve_isSmallOnSmallDisks() {
    assertThat(DiskRoom.reserve(1L << 40)).isEqualTo(16 << 20);
    assertThat(DiskRoom.reserve(100L << 20)).isEqualTo(5 << 20);
  }

  @Test
  void diskFull_nodeIsLikeOneThatIsDown_andGoesOnByItself() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("n1"), 32);
        TestCluster cluster = new TestCluster(directory, 1)) {
      cluster.start(1, 2, 3);
      cluster.awaitSettled();
      List<String> proposed = new ArrayList<>();
      for (int round = 0; round < 3; round++) {
        // As a leader, whose own append fails, in the first round.
        lead(cluster, round == 0 ? 1 : 2);
        disk.fill();
        RaftNode full = cluster.node(1);
        // At once: most rounds meet the full disk in the middle of a write.
        for (int i = 0; i < 5; i++) {
          propose(cluster, LARGE);
          propose(cluster, ByteString.copyFromUtf8(round + "." + i));
          proposed.add(round + "." + i);
        }
        await().atMost(TestCluster.PATIENCE).until(() -> full.shortage().isPresent());
        assertThat(full.shortage().orElseThrow()).contains("is full").contains("make room");
        propose(cluster, ByteString.copyFromUtf8("meanwhile " + round));
        proposed.add("meanwhile " + round);
        assertThat(cluster.failures).isEmpty();

        disk.free();
        await().atMost(TestCluster.PATIENCE).until(() -> full.shortage().isEmpty());
        cluster.awaitLeaders();
        List<String> expected = List.copyOf(proposed);
        await()
            .atMost(TestCluster.PATIENCE)
            .untilAsserted(() -> assertThat(texts(cluster, 1)).containsSubsequence(expected));
        await()
            .atMost(TestCluster.PATIENCE)
            .untilAsserted(
                () ->
                    assertThat(cluster.seen(1, LogId.ORDER))
                        .isEqualTo(cluster.seen(2, LogId.ORDER)));
      }
      assertThat(cluster.failures).isEmpty();
      assertThat(cluster.seen(1, LogId.ORDER).stream().map(Seen::position).toList())
          .as("nothing twice")
          .doesNotHaveDuplicates();
      for (Seen seen : cluster.seen(1, LogId.ORDER)) {
        assertThat(cluster.node(1).read(LogId.ORDER, seen.position().index()))
            .isInstanceOf(OrderedLogs.Entry.class);
      }
    }
  }

  private static void lead(TestCluster cluster, int id) {
    await()
        .atMost(TestCluster.PATIENCE)
        .ignoreExceptions()
        .until(
            () -> {
              if (cluster.leader(LogId.ORDER) != id) {
                cluster
                    .node(3)
                    .transferLeadership(LogId.ORDER, cluster.member(id).id())
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS);
              }
              return cluster.leader(LogId.ORDER) == id;
            });
  }

  /** Until it is decided: an unknown outcome is asked again, as an origin does. */
  private static void propose(TestCluster cluster, ByteString entry) {
    await()
        .atMost(TestCluster.PATIENCE)
        .ignoreExceptions()
        .until(
            () ->
                cluster
                        .node(2)
                        .propose(LogId.ORDER, entry)
                        .toCompletableFuture()
                        .get(6, TimeUnit.SECONDS)
                        .index()
                    >= 0);
  }

  private static List<String> texts(TestCluster cluster, int node) {
    return cluster.seen(node, LogId.ORDER).stream().map(Seen::text).toList();
  }
}
