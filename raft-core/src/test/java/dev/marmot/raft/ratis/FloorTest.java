package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.raft.RaftNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Purging, restarting from a floor, and meeting a floor. */
final class FloorTest {
  private static final LogId SHARD = LogId.shard(1);

  /** Three of them fill a segment, and only whole segments are purged. */
  private static final ByteString LARGE = ByteString.copyFrom(new byte[400_000]);

  @TempDir Path directory;
  private TestCluster cluster;

  @BeforeEach
  void create() throws IOException {
    cluster = new TestCluster(directory, 2);
    cluster.retain(4, 1L << 30);
  }

  @AfterEach
  void close() {
    cluster.close();
  }

  private long fill(int id, LogId log, int entries) {
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < entries; i++) {
      proposals.add(cluster.node(id).propose(log, LARGE));
    }
    long last = 0;
    for (CompletionStage<LogPosition> proposal : proposals) {
      last = Math.max(last, proposal.toCompletableFuture().join().index());
    }
    return last;
  }

  private void raise(LogId log, long index, long position, int... ids) {
    for (int id : ids) {
      RaftNode node = cluster.node(id);
      await().until(() -> node.committed(log) >= index);
      node.raiseFloor(log, new Floor(index, position));
    }
  }

  private void awaitFloor(int id, LogId log, long index) {
    await()
        .atMost(TestCluster.PATIENCE)
        .pollInterval(10, TimeUnit.MILLISECONDS)
        .untilAsserted(
            () -> assertThat(cluster.node(id).floor(log).index()).isGreaterThanOrEqualTo(index));
  }

  @Test
  void raiseFloor_purgesBelowIt_keepsSomeForOthers_restartGoesOnThere() throws IOException {
    cluster.start(1, 2, 3);
    long last = fill(1, SHARD, 12);
    for (int id = 1; id <= 3; id++) {
      assertThat(cluster.node(id).floor(SHARD)).isEqualTo(Floor.NONE);
    }
    long start = System.nanoTime();
    raise(SHARD, 5, 70, 1);
    awaitFloor(1, SHARD, 5);
    System.out.printf("floor raised after %d ms%n", (System.nanoTime() - start) / 1_000_000);
    assertThat(cluster.node(1).floor(SHARD)).isEqualTo(new Floor(5, 70));
    long first = cluster.seen(1, SHARD).get(0).position().index();
    await().until(() -> cluster.node(1).read(SHARD, first) instanceof OrderedLogs.Unavailable);
    assertThat(cluster.node(1).read(SHARD, last))
        .as("above the floor")
        .isInstanceOf(OrderedLogs.Entry.class);
    assertThat(cluster.node(2).read(SHARD, first))
        .as("not purged here")
        .isInstanceOf(OrderedLogs.Entry.class);

    raise(SHARD, last + 1, 90, 1);
    awaitFloor(1, SHARD, last - 4);
    Floor held = cluster.node(1).floor(SHARD);
    assertThat(cluster.node(1).committed(SHARD) + 1 - held.index()).isGreaterThanOrEqualTo(4);
    assertThat(held.position()).isEqualTo(90);
    cluster.node(1).raiseFloor(SHARD, new Floor(3, 10));

    cluster.stop(1);
    cluster.start(1);
    assertThat(cluster.node(1).floor(SHARD)).isEqualTo(held);
    assertThat(cluster.node(1).committed(SHARD)).isGreaterThanOrEqualTo(held.index() - 1);
    cluster.propose(2, SHARD, "after");
    await().until(() -> cluster.seen(1, SHARD).stream().anyMatch(it -> it.text().equals("after")));
    assertThat(cluster.seen(1, SHARD))
        .extracting(it -> it.position().index())
        .allMatch(index -> index >= held.index());
    assertThat(cluster.recorder(1).skips()).isEmpty();
    assertThat(cluster.failures).isEmpty();
  }

  @Test
  void lagBehindFloor_waitsForTheNode_thenSkips() throws IOException {
    cluster.start(1, 2, 3);
    cluster.propose(1, SHARD, "early");
    cluster.awaitSeen(3, SHARD, "early");
    cluster.stop(3);
    long last = fill(1, SHARD, 12);
    raise(SHARD, last, 50, 1, 2);
    int leader = cluster.leader(SHARD);
    awaitFloor(leader, SHARD, last - 6);
    long start = System.nanoTime();
    cluster.start(3);
    TestCluster.Recorder late = cluster.recorder(3);
    await().until(() -> late.asked().containsKey(SHARD));
    cluster.propose(1, SHARD, "meanwhile");
    assertThat(late.skips()).isEmpty();
    assertThat(cluster.node(3).committed(SHARD)).isLessThan(last);
    System.out.printf("asked after %d ms%n", (System.nanoTime() - start) / 1_000_000);
    start = System.nanoTime();
    late.caughtUp().complete(true);
    await()
        .pollInterval(10, TimeUnit.MILLISECONDS)
        .until(() -> cluster.seen(3, SHARD).stream().anyMatch(it -> it.text().equals("meanwhile")));
    System.out.printf("skipped after %d ms%n", (System.nanoTime() - start) / 1_000_000);
    Floor own = cluster.node(3).floor(SHARD);
    assertThat(late.skips().get(SHARD)).containsExactly(own);
    assertThat(own.position()).isEqualTo(50);
    assertThat(own.ahead()).as("remembered, also over a restart").isTrue();
    assertThat(cluster.seen(3, SHARD).stream().map(it -> it.position().index()))
        .filteredOn(index -> index > 5)
        .allMatch(index -> index >= own.index());
    reopenByWatchdog();
    cluster.propose(3, SHARD, "from the late one");
    cluster.stop(3);
    cluster.start(3);
    assertThat(cluster.node(3).floor(SHARD)).isEqualTo(own);
    await()
        .until(
            () ->
                cluster.seen(3, SHARD).stream()
                    .anyMatch(it -> it.text().equals("from the late one")));
    assertThat(cluster.failures).isEmpty();
  }

  /** An answer that Ratis never fetches, as when the leader changes at the wrong moment. */
  private void reopenByWatchdog() {
    LogCopy copy = cluster.ratisNode(3).copies().copy(SHARD);
    LogStateMachine before = Objects.requireNonNull(copy.machine());
    var unused = before.meeting().meet(new NodeId(cluster.leader(SHARD)), 20);
    await().until(() -> copy.machine() != before);
    long committed = cluster.node(3).committed(SHARD);
    assertThat(committed).isGreaterThanOrEqualTo(cluster.node(3).floor(SHARD).index() - 1);
  }

  @Test
  void leaderChangesWhileBehind_askedAgain() throws IOException {
    cluster.start(1, 2, 3);
    cluster.awaitSettled();
    int late = 6 - cluster.leader(SHARD) - cluster.follower(SHARD);
    int other = cluster.follower(SHARD);
    int leader = cluster.leader(SHARD);
    cluster.stop(late);
    long last = fill(leader, SHARD, 12);
    // Only the leader purges: the next one has everything.
    raise(SHARD, last, 50, leader);
    awaitFloor(leader, SHARD, last - 6);
    cluster.start(late);
    await().until(() -> cluster.recorder(late).asked().containsKey(SHARD));
    cluster.node(leader).transferLeadership(SHARD, new NodeId(other)).toCompletableFuture().join();
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.node(late).committed(SHARD) >= last);
    assertThat(cluster.recorder(late).skips()).isEmpty();
    assertThat(cluster.seen(late, SHARD)).hasSize(12);
    assertThat(cluster.failures).isEmpty();
  }
}
