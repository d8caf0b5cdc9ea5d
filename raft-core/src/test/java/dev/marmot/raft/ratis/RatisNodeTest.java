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
                  .hasMessageStartingWith("cannot propose to shard 2: no answer within 5000 ms")
                  .hasMessageContaining("no leader is known");
            });
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(7));
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
        .hasMessageContaining("connection refused");
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
            new ServerSocket(options.bindPort(), 1, InetAddress.getLoopbackAddress());
        RaftNode node = RatisNode.open(options, TestCluster.recorder(), e -> {})) {
      assertThat(taken.isBound()).isTrue();
      assertThatThrownBy(node::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1 port " + options.bindPort())
          .hasMessageContaining("another process uses the port");
    }
    cluster.start(1);
    assertThat(cluster.node(1).status()).hasSize(3);
  }

  @Test
  void start_directoryInUse_says() throws IOException {
    cluster.start(1);
    try (RaftNode second = RatisNode.open(cluster.options(1), TestCluster.recorder(), e -> {})) {
      assertThatThrownBy(second::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot use raft directory")
          .hasMessageContaining("another running node uses it");
    }
  }

  @Test
  void start_otherCluster_refused_otherNumberOfShards_diskCounts() throws IOException {
    cluster.start(1);
    cluster.stop(1);
    RaftOptions good = cluster.options(1);
    assertStartFails(
        new RaftOptions(
            "other",
            good.self(),
            good.members(),
            good.bindHost(),
            good.bindPort(),
            good.directory(),
            2,
            Map.of()),
        "belongs to another cluster");
    RaftOptions fewer =
        new RaftOptions(
            good.cluster(),
            good.self(),
            good.members(),
            good.bindHost(),
            good.bindPort(),
            good.directory(),
            1,
            Map.of());
    try (RaftNode node = RatisNode.open(fewer, TestCluster.recorder(), e -> {})) {
      node.start();
      assertThat(node.shards()).isEqualTo(2);
      assertThat(node.status()).hasSize(3);
    }
  }

  private static void assertStartFails(RaftOptions options, String message) {
    try (RaftNode node = RatisNode.open(options, TestCluster.recorder(), e -> {})) {
      assertThatThrownBy(node::start).isInstanceOf(IOException.class).hasMessageContaining(message);
    }
  }

  @Test
  void listenerThrows_reportedOnceAndLogStops() throws IOException {
    cluster.start(1, 2, 3);
    cluster.awaitLeaders();
    LogPosition position = cluster.propose(1, SHARD, "good");
    for (int id = 1; id <= 3; id++) {
      cluster.awaitSeen(id, SHARD, "good");
    }
    CompletionStage<LogPosition> poison =
        cluster.node(1).propose(SHARD, ByteString.copyFromUtf8("poison"));
    // The others learn that the entry is committed only while a majority is left. Threads of Ratis
    // that still use the log when it stops throw.
    await()
        .atMost(TestCluster.PATIENCE)
        .dontCatchUncaughtExceptions()
        .until(() -> !cluster.failures.isEmpty());
    assertThat(cluster.failures)
        .allSatisfy(e -> assertThat(e).hasMessageContaining("cannot hand over entry"));
    assertThat(cluster.node(1).committed(SHARD))
        .as("at most the metadata entry behind it")
        .isBetween(position.index(), position.index() + 1);
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
