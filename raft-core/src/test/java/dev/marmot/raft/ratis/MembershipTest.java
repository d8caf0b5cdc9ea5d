package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import dev.marmot.raft.RemovedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that come, leave, are lost and come back. Long stories, because clusters start slowly. */
final class MembershipTest {
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

  private void awaitSeenEverywhere(String text, int... ids) {
    for (int id : ids) {
      await()
          .atMost(TestCluster.PATIENCE)
          .pollInterval(20, TimeUnit.MILLISECONDS)
          .until(() -> cluster.seen(id, SHARD).stream().anyMatch(it -> it.text().equals(text)));
    }
  }

  @Test
  void oneTwoThreeNodes_andBackToOne() throws IOException {
    cluster = new TestCluster(directory, 2, "127.0.0.1", 1);
    cluster.start(1);
    cluster.propose(1, SHARD, "alone");
    // Nobody else knows it yet, so it may move; whoever joins then hears of the new address only.
    cluster.stop(1);
    cluster.move(1);
    cluster.start(1);
    cluster.awaitLeaders();
    cluster.propose(1, SHARD, "moved");
    cluster.startJoining(2, 1);
    long start = System.nanoTime();
    cluster.join(1, 2);
    System.out.printf("second joined after %d ms%n", (System.nanoTime() - start) / 1_000_000);
    awaitSeenEverywhere("alone", 2);
    awaitSeenEverywhere("moved", 2);
    firstIsKnownWhereItIs_andMovesNoMore();
    cluster.startJoining(3, 1);
    start = System.nanoTime();
    // Asked of the one that does not lead everything.
    cluster.join(2, 3);
    System.out.printf("third joined after %d ms%n", (System.nanoTime() - start) / 1_000_000);
    cluster.propose(3, SHARD, "three");
    awaitSeenEverywhere("three", 1, 2, 3);
    for (int id = 1; id <= 3; id++) {
      int node = id;
      await()
          .untilAsserted(
              () ->
                  assertThat(cluster.node(node).members())
                      .extracting(Member::id)
                      .containsExactly(new NodeId(1), new NodeId(2), new NodeId(3)));
    }
    // Again is no harm, and members that joined restart like founders.
    cluster.join(3, 2);
    cluster.stop(3);
    cluster.start(3);
    cluster.awaitLeaders();
    cluster.propose(3, SHARD, "again");

    cluster.stop(2);
    assertThatThrownBy(() -> remove(1, 3, false))
        .hasMessageContaining("cannot remove n3: only 1 of the 2 voting members that remain are up")
        .hasMessageContaining("start the others first, or force it");
    remove(1, 2, false);
    remove(3, 1, false);
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.failures.size() == 1);
    assertThat(cluster.failures.get(0))
        .isInstanceOf(RemovedException.class)
        .hasMessageContaining("n1 was removed from the cluster");
    cluster.stop(1);
    cluster.awaitLeaders();
    cluster.propose(3, SHARD, "alone again");
    assertThat(cluster.node(3).members()).extracting(Member::id).containsExactly(new NodeId(3));
    assertThatThrownBy(() -> remove(3, 3, true))
        .hasMessageContaining("cannot remove n3: it is the only voting member");
    assertThatThrownBy(() -> cluster.start(1)).hasMessageContaining("n1 was removed");
  }

  private void firstIsKnownWhereItIs_andMovesNoMore() throws IOException {
    for (LogId log : List.of(LogId.ORDER, SHARD, LogId.shard(2))) {
      assertThat(cluster.addresses(2, log))
          .containsExactlyInAnyOrder(cluster.member(1).address(), cluster.member(2).address());
    }
    RaftOptions elsewhere = cluster.alone(1, TestCluster.freePorts(1, "127.0.0.1").get(0));
    cluster.stop(1);
    assertThatThrownBy(() -> cluster.start(elsewhere))
        .hasMessageContaining("the other nodes know it at " + cluster.member(1).address());
    cluster.start(1);
    cluster.awaitLeaders();
  }

  /** A newcomer is in the order log, but not yet in the shard, when it is lost with all it had. */
  private void diesHalfway(int id) throws IOException {
    String name = cluster.node(id).name();
    var unused = cluster.node(1).add(cluster.member(id), true);
    await()
        .atMost(TestCluster.PATIENCE)
        .until(() -> cluster.node(2).name(new NodeId(id)).filter(name::equals).isPresent());
    cluster.stop(id);
    cluster.lose(id);
    cluster.move(id);
  }

  /**
   * The address of the former self is the one that all members know; only the newcomer is asked.
   */
  @Test
  void aNewcomerTakesThePlaceOfALivingNode_andIsNotMistakenForIt() throws IOException {
    cluster.start(1, 2, 3);
    cluster.propose(1, SHARD, "before");
    RaftNode former = cluster.node(3);
    assertThat(cluster.node(1).name(new NodeId(3))).contains(former.name());
    cluster.directoryOf(3, "another");
    cluster.move(3);
    cluster.startJoining(3, 1);
    cluster.join(1, 3);
    assertThat(cluster.node(1).name(new NodeId(3))).contains(cluster.node(3).name());
    await().atMost(TestCluster.PATIENCE).until(() -> !cluster.failures.isEmpty());
    assertThat(cluster.failures.get(0)).isInstanceOf(RemovedException.class);
    former.close();
    awaitSeenEverywhere("before", 3);
  }

  private void remove(int at, int id, boolean force) {
    cluster.node(at).remove(new NodeId(id), force).toCompletableFuture().join();
  }

  @Test
  void lostDirectory_comesBackAsNewcomer_overPurgedLogs_listenersDoNotCount() throws IOException {
    cluster.retain(2, 1L << 30);
    cluster.start(1, 2, 3);
    cluster.propose(1, SHARD, "early");
    awaitSeenEverywhere("early", 1, 2, 3);
    ByteString large = ByteString.copyFrom(new byte[400_000]);
    long last = 0;
    for (int i = 0; i < 8; i++) {
      last = cluster.node(1).propose(SHARD, large).toCompletableFuture().join().index();
    }
    long end = last;
    for (int id = 1; id <= 3; id++) {
      int node = id;
      await().until(() -> cluster.node(node).committed(SHARD) >= end);
      cluster.node(id).raiseFloor(SHARD, new Floor(end, 33));
      await().until(() -> cluster.node(node).floor(SHARD).index() >= end - 4);
    }
    cluster.stop(3);
    cluster.lose(3);
    cluster.startJoining(3, 1);
    // It cannot vote before it is added, whatever it voted for in its former life.
    assertThat(cluster.node(3).status()).allMatch(status -> status.voters().isEmpty());
    diesHalfway(3);
    cluster.startJoining(3, 1);
    cluster.recorder(3).caughtUp().complete(false);
    cluster.join(2, 3);
    assertThat(cluster.node(2).name(new NodeId(3))).contains(cluster.node(3).name());
    cluster.propose(3, SHARD, "back");
    awaitSeenEverywhere("back", 1, 2, 3);
    assertThat(cluster.recorder(3).skips().get(SHARD)).hasSize(1);
    assertThat(cluster.recorder(3).asked()).containsOnlyKeys(SHARD);
    assertThat(cluster.node(3).members()).hasSize(3);

    cluster.startJoining(4, 2);
    cluster.recorder(4).caughtUp().complete(false);
    cluster.node(1).add(cluster.member(4), false).toCompletableFuture().join();
    cluster.propose(4, SHARD, "from a listener");
    awaitSeenEverywhere("from a listener", 1, 4);
    await()
        .untilAsserted(
            () ->
                assertThat(cluster.node(4).status())
                    .extracting(LogStatus::listeners)
                    .allMatch(listeners -> listeners.contains(new NodeId(4))));
    remove(1, 4, false);
    await().atMost(TestCluster.PATIENCE).until(() -> cluster.failures.size() == 1);
    assertThat(cluster.failures.get(0)).isInstanceOf(RemovedException.class);
  }

  @Test
  void majorityLost_survivorGoesOnAlone_keepsEverything_othersJoinAgain() throws IOException {
    cluster.start(1, 2, 3);
    cluster.propose(1, SHARD, "before");
    awaitSeenEverywhere("before", 1, 2, 3);
    cluster.propose(1, LogId.ORDER, "kept");
    long kept = cluster.propose(1, LogId.ORDER, "cut off").index() - 1;
    cluster.awaitSeen(2, LogId.ORDER, "kept", "cut off");
    // A log in which nothing is committed knows no members yet.
    await().until(() -> cluster.node(2).status().stream().allMatch(log -> log.committed() >= 0));
    Path survivor = directory.resolve("n2");
    assertThatThrownBy(() -> ForcedCluster.open(survivor, "test", Optional.empty()))
        .hasMessageContaining("another running node uses it");
    for (int id = 1; id <= 3; id++) {
      cluster.stop(id);
    }
    cluster.lose(1);
    cluster.lose(3);
    assertThatThrownBy(() -> ForcedCluster.open(survivor, "other", Optional.empty()))
        .hasMessageContaining("belongs to another cluster");
    try (ForcedCluster forced = ForcedCluster.open(survivor, "test", Optional.empty())) {
      assertThat(forced.members()).hasSize(3);
      assertThat(forced.survived())
          .hasSize(3)
          .allMatch(log -> log.formerMembers().size() == 3 && log.committed() <= log.last());
      List<String> order = new ArrayList<>();
      forced.read(LogId.ORDER, (log, term, index, bytes) -> order.add(bytes.toStringUtf8()));
      assertThat(order).containsExactly("kept", "cut off");
      forced.found("test again", cluster.member(2), kept);
    }
    assertThatThrownBy(() -> ForcedCluster.open(survivor, "test", Optional.empty()))
        .hasMessageContaining("belongs to another cluster");
    // As after a break: what was done is done again.
    try (ForcedCluster forced = ForcedCluster.open(survivor, "test", Optional.of("test again"))) {
      assertThat(forced.survived().get(0).last()).isEqualTo(kept);
      forced.found("test again", cluster.member(2), kept);
    }
    cluster.rename("test again");
    cluster.start(2);
    cluster.awaitLeaders();
    cluster.propose(2, SHARD, "alone");
    awaitSeenEverywhere("before", 2);
    cluster.propose(2, LogId.ORDER, "new");
    assertThat(cluster.seen(2, LogId.ORDER))
        .extracting(TestCluster.Seen::text)
        .endsWith("kept", "new");
    assertThat(cluster.node(2).members()).extracting(Member::id).containsExactly(new NodeId(2));
    cluster.startJoining(3, 2);
    cluster.join(2, 3);
    awaitSeenEverywhere("alone", 3);
    cluster.stop(2);
    cluster.start(2);
    cluster.awaitLeaders();
    cluster.propose(2, SHARD, "restarted");
    awaitSeenEverywhere("restarted", 2, 3);
    assertThat(cluster.failures).isEmpty();
    cluster.stop(3);
    cluster.move(3);
    assertThatThrownBy(() -> cluster.start(3)).hasMessageContaining("the other nodes know it at");
  }
}
