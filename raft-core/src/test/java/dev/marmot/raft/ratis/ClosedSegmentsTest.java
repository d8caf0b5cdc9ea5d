package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import java.nio.file.Path;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.raftlog.segmented.SegmentsInMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a log takes of the memory. */
final class ClosedSegmentsTest {
  private static final LogId SHARD = LogId.shard(1);
  private static final ByteString LARGE = ByteString.copyFrom(new byte[200_000]);
  private static final int ENTRIES = 60;

  @TempDir Path directory;

  /** Its entries are handed over again; the leader stays, so no new segment is begun. */
  @Test
  void restartOfAFollower_doesNotKeepItsLogInMemory() throws Exception {
    try (TestCluster cluster = new TestCluster(directory, 1)) {
      cluster.start(1, 2, 3);
      cluster.awaitSettled();
      for (int i = 0; i < ENTRIES; i++) {
        cluster.node(1).propose(SHARD, LARGE).toCompletableFuture().join();
      }
      int follower = cluster.follower(SHARD);
      awaitAll(cluster, follower);
      cluster.stop(follower);
      cluster.start(follower);
      awaitAll(cluster, follower);
      RaftLog log = cluster.ratisNode(follower).copies().division(SHARD).orElseThrow().getRaftLog();
      assertThat(SegmentsInMemory.count(log)).isLessThanOrEqualTo(3);
      assertThat(cluster.failures).isEmpty();
    }
  }

  private static void awaitAll(TestCluster cluster, int id) {
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.seen(id, SHARD).size() == ENTRIES);
  }
}
