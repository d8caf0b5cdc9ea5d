package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.RaftNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One cluster for all tests here: none of them stops a node. */
final class OrderedLogsTest {
  private static final LogId SHARD = LogId.shard(1);

  @TempDir static Path directory;
  private static TestCluster cluster;

  @BeforeAll
  static void create() throws IOException {
    cluster = new TestCluster(directory, 2);
    cluster.start(1, 2, 3);
    cluster.awaitSettled();
  }

  @AfterAll
  static void close() {
    cluster.close();
  }

  @Test
  void propose_fromAllNodes_sameOrderEverywhere() throws IOException {
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      for (int id = 1; id <= 3; id++) {
        proposals.add(
            cluster.node(id).propose(SHARD, ByteString.copyFromUtf8("mass " + id + "-" + i)));
      }
    }
    proposals.forEach(proposal -> proposal.toCompletableFuture().join());
    for (int id = 1; id <= 3; id++) {
      int node = id;
      await().until(() -> mass(node).size() == 300);
    }
    assertThat(mass(2)).isEqualTo(mass(1)).doesNotHaveDuplicates();
    assertThat(mass(3)).isEqualTo(mass(1));
    assertThat(cluster.failures).isEmpty();
  }

  private static List<TestCluster.Seen> mass(int node) {
    return cluster.seen(node, SHARD).stream()
        .filter(entry -> entry.text().startsWith("mass"))
        .toList();
  }

  @Test
  void propose_acknowledged_positionIsWhereListenerAndReadSeeIt() throws IOException {
    for (int id : List.of(cluster.leader(SHARD), cluster.follower(SHARD))) {
      LogPosition position = cluster.propose(id, SHARD, "from " + id);
      for (int reader = 1; reader <= 3; reader++) {
        RaftNode node = cluster.node(reader);
        await().until(() -> node.committed(SHARD) >= position.index());
        assertThat(node.read(SHARD, position.index()))
            .contains(
                new OrderedLogs.Entry(position.term(), ByteString.copyFromUtf8("from " + id)));
        assertThat(cluster.seen(reader, SHARD))
            .contains(new TestCluster.Seen(position, "from " + id));
      }
    }
  }

  @Test
  void read_raftsOwnEntriesAndUncommitted_empty() throws IOException {
    int leader = cluster.leader(SHARD);
    long index = cluster.propose(leader, SHARD, "x").index();
    RaftNode node = cluster.node(leader);
    assertThat(node.read(SHARD, 0)).as("configuration entry").isEmpty();
    assertThat(node.read(SHARD, index)).isPresent();
    assertThat(node.read(SHARD, index + 1000)).isEmpty();
    assertThat(node.read(SHARD, -1)).isEmpty();
    await().until(() -> node.committed(SHARD) > index);
    assertThat(node.read(SHARD, node.committed(SHARD))).as("metadata entry").isEmpty();
  }

  @Test
  void transferLeadership_askedAnywhere_sticks() throws IOException {
    int leader = cluster.leader(SHARD);
    int to = cluster.follower(SHARD);
    int third = 6 - leader - to;
    cluster.node(third).transferLeadership(SHARD, new NodeId(to)).toCompletableFuture().join();
    await().until(() -> cluster.leader(SHARD) == to);
    cluster.node(to).transferLeadership(SHARD, new NodeId(third)).toCompletableFuture().join();
    await().until(() -> cluster.leader(SHARD) == third);
    assertThat(cluster.propose(leader, SHARD, "x").index()).isPositive();
    assertThatThrownBy(
            () ->
                cluster
                    .node(1)
                    .transferLeadership(SHARD, new NodeId(9))
                    .toCompletableFuture()
                    .join())
        .hasMessageContaining("cannot move the leader of shard 1 to n9: n9 is not a member");
  }

  @Test
  void mayLead_taken_leadsNothingAndIsNotElected_untilGiven() {
    int id = cluster.leader(SHARD);
    NodeId self = new NodeId(id);
    cluster.node(id).mayLead(false);
    await().until(() -> !TestCluster.leaders(cluster.node(id)).containsValue(self));
    cluster.awaitLeaders();
    int leader = cluster.leader(SHARD);
    assertThatThrownBy(
            () -> cluster.node(leader).transferLeadership(SHARD, self).toCompletableFuture().join())
        .hasMessageContaining("cannot move the leader of shard 1 to " + self);
    cluster.node(id).mayLead(true);
    await()
        .ignoreExceptions()
        .until(
            () -> {
              cluster.node(leader).transferLeadership(SHARD, self).toCompletableFuture().join();
              return true;
            });
    assertThat(cluster.leader(SHARD)).isEqualTo(id);
  }

  @Test
  void propose_largeEntries_takenOrRefusedBySize() throws IOException {
    ByteString large = ByteString.copyFrom(new byte[1_500_000]);
    RaftNode follower = cluster.node(cluster.follower(SHARD));
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      proposals.add(follower.propose(SHARD, large));
    }
    for (CompletionStage<LogPosition> proposal : proposals) {
      long index = proposal.toCompletableFuture().join().index();
      await().until(() -> follower.committed(SHARD) >= index);
      assertThat(follower.read(SHARD, index).map(OrderedLogs.Entry::bytes)).contains(large);
    }
    assertThatThrownBy(
            () ->
                follower
                    .propose(SHARD, ByteString.copyFrom(new byte[2_100_000]))
                    .toCompletableFuture()
                    .join())
        .cause()
        .isInstanceOfSatisfying(
            ProposalException.class,
            e -> {
              assertThat(e.outcome()).isEqualTo(ProposalException.Outcome.NOT_PROPOSED);
              assertThat(e).hasMessageContaining("shard 1: the entry has 2100000 bytes");
            });
  }

  @Test
  void propose_tooMuchOutstanding_refused() throws IOException {
    RaftNode follower = cluster.node(cluster.follower(SHARD));
    ByteString large = ByteString.copyFrom(new byte[1_900_000]);
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      proposals.add(follower.propose(i % 2 == 0 ? SHARD : LogId.shard(2), large));
    }
    int refused = 0;
    for (CompletionStage<LogPosition> proposal : proposals) {
      try {
        proposal.toCompletableFuture().join();
      } catch (CompletionException e) {
        assertThat(e.getCause())
            .isInstanceOfSatisfying(
                ProposalException.class,
                refusal ->
                    assertThat(refusal.outcome())
                        .isEqualTo(ProposalException.Outcome.NOT_PROPOSED));
        refused++;
      }
    }
    assertThat(refused).isBetween(1, 59);
    assertThat(cluster.propose(1, SHARD, "still works").index()).isPositive();
  }
}
