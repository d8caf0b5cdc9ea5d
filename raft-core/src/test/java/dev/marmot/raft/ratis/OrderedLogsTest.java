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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One cluster for all tests here: none of them stops a node. */
final class OrderedLogsTest {
  private static final LogId SHARD = LogId.shard(1);
  private static final LogId OTHER = LogId.shard(2);

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
            .isEqualTo(
                new OrderedLogs.Entry(position.term(), ByteString.copyFromUtf8("from " + id)));
        assertThat(cluster.seen(reader, SHARD))
            .contains(new TestCluster.Seen(position, "from " + id));
      }
    }
  }

  @Test
  void read_saysWhetherRaftsOwnOrUnavailable() throws IOException {
    int leader = cluster.leader(SHARD);
    long index = cluster.propose(leader, SHARD, "x").index();
    RaftNode node = cluster.node(leader);
    assertThat(node.read(SHARD, 0)).as("configuration entry").isEqualTo(new OrderedLogs.RaftOwn());
    assertThat(node.read(SHARD, index)).isInstanceOf(OrderedLogs.Entry.class);
    assertThat(node.read(SHARD, index + 1000)).isInstanceOf(OrderedLogs.Unavailable.class);
    assertThat(node.read(SHARD, -1)).isInstanceOf(OrderedLogs.Unavailable.class);
    await().until(() -> node.committed(SHARD) > index);
    assertThat(node.read(SHARD, node.committed(SHARD)))
        .as("metadata entry")
        .isEqualTo(new OrderedLogs.RaftOwn());
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
  void mayNotLead_oneLog_givesItUpAndIsNotElected_leadsOthers_untilGiven() {
    int id = cluster.leader(SHARD);
    NodeId self = new NodeId(id);
    cluster.node(id).mayNotLead(Set.of(SHARD));
    await().until(() -> cluster.leader(SHARD) != id);
    await() // what it may lead, it still can
        .ignoreExceptions()
        .until(
            () -> {
              cluster.node(id).transferLeadership(OTHER, self).toCompletableFuture().join();
              return true;
            });
    assertThat(cluster.leader(OTHER)).isEqualTo(id);
    int leader = cluster.leader(SHARD);
    assertThatThrownBy(
            () -> cluster.node(leader).transferLeadership(SHARD, self).toCompletableFuture().join())
        .hasMessageContaining("cannot move the leader of shard 1 to " + self);
    cluster.node(id).mayNotLead(Set.of());
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
      assertThat(follower.read(SHARD, index))
          .isInstanceOfSatisfying(
              OrderedLogs.Entry.class, entry -> assertThat(entry.bytes()).isEqualTo(large));
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
    ByteString large = ByteString.copyFrom(new byte[950_000]);
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

  @Test
  void drain_leadsNothingUntilRebalance() {
    int id = cluster.leader(SHARD);
    NodeId self = new NodeId(id);
    cluster.node(id % 3 + 1).drain(self).toCompletableFuture().join();
    cluster.awaitLeaders();
    assertThat(TestCluster.leaders(cluster.node(id))).doesNotContainValue(self);
    cluster.node(id).rebalance().toCompletableFuture().join();
    await()
        .atMost(TestCluster.PATIENCE)
        .until(() -> TestCluster.leaders(cluster.node(id)).containsValue(self));
    cluster.awaitSettled();
  }

  @Test
  void setShards_growAndShrinkUnderProposals() throws IOException {
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Integer> load =
        CompletableFuture.supplyAsync(
            () -> {
              int sent = 0;
              while (!stop.get()) {
                LogId log = LogId.shard(sent % cluster.node(1).shards() + 1);
                cluster.propose(1, log, "load " + sent);
                sent++;
              }
              return sent;
            });
    cluster.node(2).setShards(4).toCompletableFuture().join();
    for (int id = 1; id <= 3; id++) {
      assertThat(cluster.node(id).shards()).isEqualTo(4);
    }
    LogId fourth = LogId.shard(4);
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.seen(3, fourth).size() > 3);
    cluster.node(3).setShards(2).toCompletableFuture().join();
    long retired = cluster.seen(1, fourth).size();
    assertThat(cluster.node(1).shards()).isEqualTo(2);
    assertThat(cluster.node(1).status()).hasSize(5).filteredOn(it -> !it.active()).hasSize(2);
    cluster.node(1).setShards(4).toCompletableFuture().join();
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.seen(2, fourth).size() > retired);
    stop.set(true);
    assertThat(load.join()).isPositive();
    assertThatThrownBy(() -> cluster.node(1).setShards(0).toCompletableFuture().join())
        .hasMessageContaining("cannot set the number of shards to 0: it must be between 1 and");
    cluster.node(1).setShards(2).toCompletableFuture().join();
    assertThat(cluster.failures).isEmpty();
  }
}
