package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.marmot.proto.v1.RemovedNotice;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.NodeId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.TermIndexProto;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.RaftServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies of logs that Ratis cannot go on with by itself. */
final class BrokenCopyTest {
  private static final LogId SHARD = LogId.shard(1);
  private static final Set<NodeId> ALL = Set.of(new NodeId(1), new NodeId(2), new NodeId(3));

  @TempDir Path directory;
  private TestCluster cluster;

  @BeforeEach
  void create() throws IOException {
    cluster = new TestCluster(directory, 1);
  }

  @AfterEach
  void close() {
    cluster.close();
  }

  /**
   * The log of a node after an election that it won in the first term, and nobody else heard of.
   */
  private void startAfterLostElection(LogEntryProto... more) throws IOException {
    List<RaftPeer> peers = cluster.peers();
    CraftedLog.write(directory.resolve("n1"), "test", SHARD, 5);
    CraftedLog.write(directory.resolve("n2"), "test", SHARD, 5);
    CraftedLog.write(
        directory.resolve("n3"),
        "test",
        SHARD,
        1,
        Stream.concat(Stream.of(CraftedLog.members(1, 0, peers)), Stream.of(more))
            .toArray(LogEntryProto[]::new));
    cluster.start(1, 2);
    cluster.awaitLeaders();
    cluster.propose(1, SHARD, "one");
    cluster.start(3);
  }

  private LogStatus shardOf(int id) {
    return cluster.node(id).status().get(1);
  }

  @Test
  void copyThatCommittedAnotherFirstEntry_isMadeAnew() throws IOException {
    // What Ratis' mistake leaves behind: its own entry counts as committed.
    startAfterLostElection(CraftedLog.metadata(1, 1, 0));
    cluster.propose(2, SHARD, "two");
    cluster.awaitSeen(3, SHARD, "one", "two");
    await().until(() -> shardOf(3).trouble().isEmpty());
    assertThat(cluster.failures).isEmpty();
  }

  @Test
  void copyWithOtherEntriesOfTheApplication_isNotTouched_andSaysSo() throws IOException {
    startAfterLostElection(CraftedLog.data(1, 1, new byte[] {'x'}), CraftedLog.metadata(1, 2, 1));
    await()
        .atMost(TestCluster.PATIENCE)
        .until(
            () ->
                shardOf(3).trouble().filter(it -> it.contains("start it with --join")).isPresent());
    cluster.awaitSeen(3, SHARD, "x");
  }

  @Test
  void membersThatRatisForgot_areReadAgain_noMemberIsTakenForRemoved() throws IOException {
    startAfterLostElection();
    cluster.awaitSeen(3, SHARD, "one");
    await()
        .until(
            () ->
                cluster
                    .ratisNode(3)
                    .copies()
                    .division(SHARD)
                    .filter(division -> division.getRaftConf().getLogEntryIndex() >= 0)
                    .isPresent());
    assertThat(shardOf(3).voters()).isEqualTo(ALL);

    // Any end of a log: it is opened again, and goes on.
    RaftServer.Division ended = cluster.ratisNode(3).copies().division(SHARD).orElseThrow();
    ended.close();
    // Somebody is wrong about a removal.
    cluster
        .node(1)
        .call(
            new NodeId(3),
            Groups.REMOVED,
            RemovedNotice.newBuilder().setBy(1).build().toByteString(),
            Duration.ofSeconds(5))
        .toCompletableFuture()
        .join();
    cluster.propose(1, SHARD, "two");
    cluster.awaitSeen(3, SHARD, "one", "two");
    assertThat(cluster.ratisNode(3).copies().division(SHARD)).isNotEqualTo(Optional.of(ended));
    cluster.stop(1);
    cluster.awaitLeaders();
    cluster.propose(3, SHARD, "three");
    cluster.awaitSeen(3, SHARD, "one", "two", "three");
    assertThat(cluster.failures).isEmpty();
  }

  @Test
  void leadersCommit_countsOnlyAsFarAsTheMessageShows() {
    AppendEntriesRequestProto heartbeat =
        AppendEntriesRequestProto.newBuilder().setLeaderCommit(7).build();
    assertThat(LeaderMessages.corrected(heartbeat).getLeaderCommit()).isEqualTo(-1);
    AppendEntriesRequestProto first =
        heartbeat.toBuilder()
            .addEntries(CraftedLog.metadata(2, 0, 0))
            .addEntries(CraftedLog.metadata(2, 1, 0))
            .build();
    assertThat(LeaderMessages.corrected(first).getLeaderCommit()).isEqualTo(1);
    AppendEntriesRequestProto low = first.toBuilder().setLeaderCommit(0).build();
    assertThat(LeaderMessages.corrected(low)).isSameAs(low);
    AppendEntriesRequestProto later =
        first.toBuilder().setPreviousLog(TermIndexProto.getDefaultInstance()).build();
    assertThat(LeaderMessages.corrected(later)).isSameAs(later);
  }
}
