package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RatisNodeTest {
  private static final LogId SHARD = LogId.shard(1);

  @TempDir Path directory;
  private TestCluster cluster;

  @BeforeEach
  void create() throws IOException {
    cluster = new TestCluster(directory, 2);
  }

  @AfterEach
  void close() {
    cluster.close();
  }

  @Test
  void propose_fromAllNodes_sameOrderEverywhere() throws IOException {
    cluster.start(1, 2, 3);
    cluster.awaitLeaders();
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      for (int id = 1; id <= 3; id++) {
        proposals.add(cluster.node(id).propose(SHARD, ByteString.copyFromUtf8("n" + id + "-" + i)));
      }
    }
    proposals.forEach(proposal -> proposal.toCompletableFuture().join());
    for (int id = 1; id <= 3; id++) {
      int node = id;
      await().until(() -> cluster.seen(node, SHARD).size() == 300);
    }
    assertThat(cluster.seen(2, SHARD)).isEqualTo(cluster.seen(1, SHARD));
    assertThat(cluster.seen(3, SHARD)).isEqualTo(cluster.seen(1, SHARD));
    assertThat(cluster.seen(1, SHARD)).doesNotHaveDuplicates();
    assertThat(cluster.failures).isEmpty();
  }

  @Test
  void propose_acknowledged_positionIsWhereListenerAndReadSeeIt() throws IOException {
    cluster.start(1, 2, 3);
    for (int id : List.of(cluster.leader(SHARD), cluster.follower(SHARD))) {
      LogPosition position = cluster.propose(id, SHARD, "from " + id);
      for (int reader = 1; reader <= 3; reader++) {
        RaftNode node = cluster.node(reader);
        await().until(() -> node.committed(SHARD) >= position.index());
        assertThat(node.read(SHARD, position.index()))
            .contains(ByteString.copyFromUtf8("from " + id));
        assertThat(cluster.seen(reader, SHARD))
            .contains(new TestCluster.Seen(position, "from " + id));
      }
    }
  }

  @Test
  void read_raftsOwnEntriesAndUncommitted_empty() throws IOException {
    cluster.start(1, 2, 3);
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
  void leaderDies_othersGoOn_restartedNodeReplaysFromTheBeginning() throws IOException {
    cluster.start(1, 2, 3);
    int dead = cluster.leader(SHARD);
    cluster.propose(dead, SHARD, "before");
    cluster.stop(dead);
    int survivor = dead % 3 + 1;
    LogPosition after = cluster.propose(survivor, SHARD, "after");
    cluster.start(dead);
    cluster.awaitSeen(dead, SHARD, "before", "after");
    await().until(() -> cluster.node(dead).committed(SHARD) >= after.index());
  }

  @Test
  void restartOfAll_everythingIsHandedOverAgain() throws IOException {
    cluster.start(1, 2, 3);
    cluster.propose(1, SHARD, "one");
    cluster.propose(2, LogId.ORDER, "two");
    for (int id = 1; id <= 3; id++) {
      cluster.stop(id);
    }
    cluster.start(3, 2, 1);
    cluster.propose(3, SHARD, "three");
    for (int id = 1; id <= 3; id++) {
      cluster.awaitSeen(id, SHARD, "one", "three");
      cluster.awaitSeen(id, LogId.ORDER, "two");
    }
  }

  @Test
  void restart_beforeAnyLeader_stillJoins() throws IOException {
    cluster.start(1);
    cluster.stop(1);
    cluster.start(1);
    cluster.stop(1);
    cluster.start(1, 2);
    cluster.propose(1, SHARD, "x");
    cluster.awaitSeen(2, SHARD, "x");
  }

  @Test
  void transferLeadership_askedAnywhere_sticks() throws IOException {
    cluster.start(1, 2, 3);
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
  void propose_withoutQuorum_failsWithTruthfulOutcome() throws IOException {
    cluster.start(1);
    long start = System.nanoTime();
    assertThatThrownBy(() -> cluster.propose(1, LogId.shard(2), "x"))
        .cause()
        .isInstanceOfSatisfying(
            ProposalException.class,
            e -> {
              assertThat(e.outcome()).isEqualTo(ProposalException.Outcome.NOT_PROPOSED);
              assertThat(e)
                  .hasMessageStartingWith("cannot propose to shard 2: no answer within 10 s")
                  .hasMessageContaining("no leader is known");
            });
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(12));
  }

  @Test
  void propose_largeEntries_takenOrRefusedBySize() throws IOException {
    cluster.start(1, 2, 3);
    ByteString large = ByteString.copyFrom(new byte[1_500_000]);
    RaftNode follower = cluster.node(cluster.follower(SHARD));
    List<CompletionStage<LogPosition>> proposals = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      proposals.add(follower.propose(SHARD, large));
    }
    for (CompletionStage<LogPosition> proposal : proposals) {
      long index = proposal.toCompletableFuture().join().index();
      await().until(() -> follower.committed(SHARD) >= index);
      assertThat(follower.read(SHARD, index)).contains(large);
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
    cluster.start(1, 2, 3);
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
        assertThat(e.getCause()).isInstanceOf(ProposalException.class);
        assertThat(((ProposalException) e.getCause()).outcome())
            .isEqualTo(ProposalException.Outcome.NOT_PROPOSED);
        refused++;
      }
    }
    assertThat(refused).isBetween(1, 59);
    assertThat(cluster.propose(1, SHARD, "still works").index()).isPositive();
  }

  @Test
  void call_peers_answersErrorsAndTimeouts() throws IOException {
    cluster.start(1, 2);
    assertThat(call(1, 2, "echo", 2000).toStringUtf8()).isEqualTo("n2 got hello");
    assertThat(call(1, 1, "echo", 2000).toStringUtf8()).isEqualTo("n1 got hello");
    assertThatThrownBy(() -> call(1, 2, "nothing", 2000))
        .hasMessageContaining("cannot call nothing on n2 (" + cluster.member(2).address() + ")")
        .hasMessageContaining("unknown method");
    assertThatThrownBy(() -> call(1, 2, "silence", 300))
        .hasMessageContaining("no answer within 300 ms");
    long start = System.nanoTime();
    assertThatThrownBy(() -> call(1, 3, "echo", 5000))
        .cause()
        .isInstanceOfSatisfying(
            PeerCallException.class, e -> assertThat(e.mayHaveArrived()).isFalse())
        .hasMessageContaining("cannot call echo on n3")
        .hasMessageContaining("Connection refused");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
  }

  @Test
  void call_peerDiesAndComesBack_promptFailureThenReachable() throws IOException {
    cluster.start(1, 2);
    assertThat(call(1, 2, "echo", 2000)).isNotNull();
    CompletionStage<ByteString> pending =
        cluster.node(1).call(new NodeId(2), "silence", ByteString.EMPTY, Duration.ofSeconds(30));
    cluster.stop(2);
    long start = System.nanoTime();
    assertThatThrownBy(() -> pending.toCompletableFuture().join()).hasMessageContaining("on n2");
    assertThatThrownBy(() -> call(1, 2, "echo", 5000)).hasMessageContaining("on n2");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
    cluster.start(2);
    await()
        .atMost(Duration.ofSeconds(2))
        .ignoreExceptions()
        .until(() -> !call(1, 2, "echo", 1000).isEmpty());
  }

  private ByteString call(int from, int to, String method, long timeoutMillis) {
    return cluster
        .node(from)
        .call(
            new NodeId(to),
            method,
            ByteString.copyFromUtf8("hello"),
            Duration.ofMillis(timeoutMillis))
        .toCompletableFuture()
        .join();
  }

  @Test
  void start_portInUse_says() throws IOException {
    RaftOptions options = cluster.options(1);
    try (ServerSocket taken =
            new ServerSocket(options.bindPort(), 1, InetAddress.getByName("127.0.0.1"));
        RaftNode node = RatisNode.open(options, (log, position, entry) -> {}, e -> {})) {
      assertThat(taken.isBound()).isTrue();
      assertThatThrownBy(node::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1 port " + options.bindPort())
          .hasMessageContaining("in use");
    }
    cluster.start(1);
    assertThat(cluster.node(1).status()).hasSize(3);
  }

  @Test
  void start_directoryInUse_says() throws IOException {
    cluster.start(1);
    try (RaftNode second =
        RatisNode.open(cluster.options(1), (log, position, entry) -> {}, e -> {})) {
      assertThatThrownBy(second::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot use raft directory")
          .hasMessageContaining("another running node uses it");
    }
  }

  @Test
  void start_fewerShardsOrOtherMembers_refused() throws IOException {
    cluster.start(1, 2, 3);
    cluster.awaitLeaders();
    cluster.stop(1);
    RaftOptions good = cluster.options(1);
    assertStartFails(
        new RaftOptions(
            good.cluster(),
            good.self(),
            good.members(),
            good.bindHost(),
            good.bindPort(),
            good.directory(),
            1,
            Map.of()),
        "belongs to another cluster or to a higher number of shards");
    assertStartFails(
        new RaftOptions(
            good.cluster(),
            good.self(),
            good.members().subList(0, 2),
            good.bindHost(),
            good.bindPort(),
            good.directory(),
            2,
            Map.of()),
        "has the members");
  }

  private static void assertStartFails(RaftOptions options, String message) {
    try (RaftNode node = RatisNode.open(options, (log, position, entry) -> {}, e -> {})) {
      assertThatThrownBy(node::start).isInstanceOf(IOException.class).hasMessageContaining(message);
    }
  }

  @Test
  void listenerThrows_reportedOnceAndLogStops() throws IOException {
    cluster.start(1, 2, 3);
    LogPosition position = cluster.propose(1, SHARD, "good");
    for (int id = 1; id <= 3; id++) {
      cluster.awaitSeen(id, SHARD, "good");
    }
    CompletionStage<LogPosition> poison =
        cluster.node(1).propose(SHARD, ByteString.copyFromUtf8("poison"));
    await().until(() -> cluster.failures.size() == 3);
    assertThat(cluster.failures)
        .allSatisfy(e -> assertThat(e).hasMessageContaining("cannot hand over entry"));
    assertThat(cluster.node(1).committed(SHARD)).isEqualTo(position.index());
    assertThatThrownBy(() -> poison.toCompletableFuture().join())
        .hasMessageContaining("cannot propose to shard 1");
  }

  @Test
  void seventeenLogs_leadersSpreadAfterStart() throws IOException {
    cluster.close();
    cluster = new TestCluster(directory, 16);
    long start = System.nanoTime();
    cluster.start(1, 2, 3);
    cluster.awaitLeaders();
    System.out.printf("17 logs, 3 nodes: all leaders after %d ms%n", millisSince(start));
    await()
        .atMost(TestCluster.PATIENCE)
        .pollInterval(20, TimeUnit.MILLISECONDS)
        .untilAsserted(() -> assertThat(leaderCounts()).containsExactly(5, 6, 6));
    System.out.printf("17 logs, 3 nodes: leaders spread after %d ms%n", millisSince(start));
    cluster.stop(1);
    cluster.awaitLeaders();
    await()
        .atMost(TestCluster.PATIENCE)
        .untilAsserted(() -> assertThat(leaderCounts()).containsExactly(8, 9));
    cluster.start(1);
    await()
        .atMost(TestCluster.PATIENCE)
        .untilAsserted(() -> assertThat(leaderCounts()).containsExactly(5, 6, 6));
  }

  private List<Integer> leaderCounts() {
    Map<LogId, NodeId> leaders = TestCluster.leaders(cluster.node(2));
    List<Integer> counts = new ArrayList<>();
    leaders.values().stream()
        .distinct()
        .forEach(node -> counts.add(Collections.frequency(leaders.values(), node)));
    Collections.sort(counts);
    return counts;
  }

  private static long millisSince(long start) {
    return (System.nanoTime() - start) / 1_000_000;
  }

  @Test
  void ipv6_addressesWork() throws IOException {
    cluster.close();
    cluster = new TestCluster(directory, 1, "::1");
    cluster.start(1, 2, 3);
    int follower = cluster.follower(SHARD);
    cluster.propose(follower, SHARD, "x");
    for (int id = 1; id <= 3; id++) {
      cluster.awaitSeen(id, SHARD, "x");
    }
    assertThat(call(1, 2, "echo", 2000).toStringUtf8()).isEqualTo("n2 got hello");
  }
}
