package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Killed nodes, lost quorums, restarts: nothing lost, nothing doubled. */
class FaultsIT {
  private static final String SCHEMA =
      """
      CREATE TABLE acked(id INTEGER PRIMARY KEY, node INTEGER, n INTEGER, pad TEXT);
      CREATE TABLE counters(node INTEGER PRIMARY KEY, n INTEGER);
      INSERT INTO counters VALUES(1,0),(2,0),(3,0);
      """;

  private static final Pattern NOISE = Pattern.compile("WARN|ERROR|Exception|^\\s+at |^Caused by");

  /** Writes as fast as it may until told to stop; prints how many transactions were committed. */
  private static final String LOAD =
      """
      import sqlite3, sys, os, time
      path, stop, node = sys.argv[1], sys.argv[2], int(sys.argv[3])
      db = sqlite3.connect(path, timeout=60, isolation_level=None); n = 0
      while not os.path.exists(stop):
          n += 1
          db.execute("BEGIN IMMEDIATE")
          db.execute("INSERT INTO acked VALUES(?, ?, ?, hex(randomblob(50)))", (node * 10000000 + n, node, n))
          db.execute("UPDATE counters SET n = n + 1 WHERE node = ?", (node,))
          db.execute("COMMIT")
          time.sleep(0.025)
      print(n)
      """;

  @Test
  void twentyKills_underLoad_loseNothing(@TempDir Path directory) throws Exception {
    Path stop = directory.resolve("stop");
    SplittableRandom random = new SplittableRandom(20);
    try (Cluster cluster = new Cluster(directory, SCHEMA).start()) {
      List<Process> writers = new ArrayList<>();
      for (NodeProcess node : cluster.nodes()) {
        writers.add(Tools.python(LOAD, node.database(), stop, node.id()));
      }
      for (int kills = 0; kills < 20; ) {
        List<NodeProcess> victims = victims(cluster, random, Math.min(2, 20 - kills));
        victims.forEach(NodeProcess::kill);
        victims.forEach(NodeProcess::start);
        kills += victims.size();
        if (random.nextInt(4) > 0) { // now and then the next kill comes before everybody is back
          cluster.awaitReady();
        }
      }
      cluster.awaitReady();
      Files.createFile(stop);
      long committed = 0;
      for (Process writer : writers) {
        committed += Long.parseLong(Tools.output(writer));
      }
      cluster.assertEqual();
      for (NodeProcess node : cluster.nodes()) {
        assertThat(Tools.sqlite(node.database(), "SELECT count(*) FROM acked;"))
            .as("rows on node %d", node.id())
            .isEqualTo(Long.toString(committed));
        assertThat(
                Tools.sqlite(
                    node.database(),
                    "SELECT c.node FROM counters c WHERE n <> (SELECT max(n) FROM acked a WHERE"
                        + " a.node = c.node);"))
            .as("counters that lost an increment on node %d", node.id())
            .isEmpty();
      }
    }
  }

  /** One node, or two, which takes the quorum away. */
  private static List<NodeProcess> victims(Cluster cluster, SplittableRandom random, int most) {
    int first = 1 + random.nextInt(3);
    return random.nextInt(2) == 0 || most < 2
        ? List.of(cluster.node(first))
        : List.of(cluster.node(first), cluster.node(1 + first % 3));
  }

  /** One cluster in one situation after the other: each begins with nodes that are equal. */
  @Test
  void situations_oneAfterTheOther(@TempDir Path directory) throws Exception {
    try (Cluster cluster = new Cluster(directory, SCHEMA, List.of("--shards=4"))) {
      aloneAtTheFirstStart_theApplicationWrites_andItIsReplicatedLater(cluster);
      aloneWithoutQuorum_theApplicationWrites_andItIsReplicatedLater(cluster);
      writesWhileTheSidecarIsDown_areReplicatedWhenItIsBack(cluster);
      tableCreatedWhileRunning_isPickedUp(cluster);
      cleanLife_isQuiet(cluster);
      boolean tried = diskFull_nodeWaits_andGoesOnByItself(cluster);
      otherOptionsThanBefore_refuseToStart(cluster);
      assumeTrue(tried, "may not mount a tmpfs: run as root to test a full disk");
    }
  }

  /** What an operator reads of starts, writes, and stops of one node and of all. */
  private static void cleanLife_isQuiet(Cluster cluster) throws Exception {
    for (NodeProcess node : cluster.nodes()) {
      assertThat(node.stop()).isIn(0, 143);
    }
    for (NodeProcess node : cluster.nodes()) {
      assertThat(node.logText().lines().filter(line -> NOISE.matcher(line).find()))
          .as("log of node %d", node.id())
          .isEmpty();
    }
    cluster.start();
    cluster.awaitReady();
  }

  /** File and raft directory are on the same disk. Returns false where that cannot be tried. */
  private static boolean diskFull_nodeWaits_andGoesOnByItself(Cluster cluster) throws Exception {
    NodeProcess third = cluster.node(3);
    third.stop();
    Optional<SmallDisk> mounted = SmallDisk.under(third.directory(), 64);
    if (mounted.isEmpty()) {
      third.start();
      return false;
    }
    try (SmallDisk disk = mounted.get()) {
      try {
        third.start();
        cluster.awaitReady();
        for (int round = 0; round < 3; round++) {
          fillAndFree(cluster, disk, round);
        }
      } finally {
        third.kill(); // nobody may use what is unmounted
      }
    }
    third.start();
    cluster.awaitReady();
    return true;
  }

  private static void fillAndFree(Cluster cluster, SmallDisk disk, int round) throws Exception {
    NodeProcess third = cluster.node(3);
    disk.fill();
    for (int i = 0; i < 20; i++) {
      Tools.sqlite(
          cluster.node(1).database(),
          "INSERT INTO acked VALUES(%d, 1, 1, hex(randomblob(50000)));"
              .formatted(1_000 + 100 * round + i));
    }
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              assertThat(third.status("/readyz")).isEqualTo(503);
              assertThat(third.get("/readyz").body()).contains("the disk of the raft logs is full");
            });
    assertThatThrownBy(
            () ->
                Tools.sqlite(
                    third.database(),
                    "INSERT INTO acked VALUES(2000, 3, 1, hex(randomblob(3000000)));"))
        .hasMessageContaining("disk is full");
    assertThat(third.isAlive()).isTrue();
    assertThat(third.status("/healthz")).isEqualTo(200);

    disk.free();
    Tools.sqlite(
        third.database(), "INSERT INTO acked VALUES(%d, 3, 1, 'room');".formatted(3_000 + round));
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(
            Tools.sqlite(cluster.node(2).database(), "SELECT count(*) FROM acked WHERE id>=1000;"))
        .isEqualTo(Integer.toString(21 * (round + 1)));
  }

  private static void aloneAtTheFirstStart_theApplicationWrites_andItIsReplicatedLater(
      Cluster cluster) throws Exception {
    NodeProcess alone = cluster.node(1);
    alone.start();
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(alone.logText())
                    .contains("waiting for the first comparison: nodes 2, 3"));
    assertThat(alone.status("/healthz")).isEqualTo(200);
    assertThat(alone.ready()).isFalse();
    Tools.sqlite(alone.database(), "INSERT INTO acked VALUES(1, 1, 1, 'alone');");
    startTheOthers(cluster);
    assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT pad FROM acked WHERE id=1;"))
        .isEqualTo("alone");
  }

  private static void aloneWithoutQuorum_theApplicationWrites_andItIsReplicatedLater(
      Cluster cluster) throws Exception {
    NodeProcess alone = cluster.node(1);
    cluster.node(2).stop();
    cluster.node(3).stop();
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(alone.logText()).contains("waiting for a quorum"));
    assertThat(alone.get("/api/v1/status").body()).contains("WAITING_FOR_QUORUM");
    Tools.sqlite(alone.database(), "INSERT INTO acked VALUES(2, 1, 1, 'no quorum');");
    startTheOthers(cluster);
    assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT pad FROM acked WHERE id=2;"))
        .isEqualTo("no quorum");
  }

  private static void startTheOthers(Cluster cluster) throws Exception {
    cluster.node(2).start();
    cluster.node(3).start();
    cluster.awaitReady();
    cluster.assertEqual();
  }

  private static void writesWhileTheSidecarIsDown_areReplicatedWhenItIsBack(Cluster cluster)
      throws Exception {
    assertThat(cluster.node(2).stop()).isIn(0, 143);
    Tools.sqlite(cluster.node(2).database(), "INSERT INTO acked VALUES(5, 2, 1, 'offline');");
    Tools.sqlite(cluster.node(1).database(), "INSERT INTO acked VALUES(6, 1, 1, 'meanwhile');");
    cluster.node(2).start();
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT count(*) FROM acked;"))
        .isEqualTo("4");
  }

  private static void tableCreatedWhileRunning_isPickedUp(Cluster cluster) throws Exception {
    for (NodeProcess node : cluster.nodes()) {
      Tools.sqlite(node.database(), "CREATE TABLE late(k TEXT PRIMARY KEY, v);");
    }
    Tools.sqlite(cluster.node(1).database(), "INSERT INTO late VALUES('a', 1), ('b', 2.5);");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT count(*) FROM late;"))
                    .isEqualTo("2"));
    cluster.assertEqual();
  }

  private static void otherOptionsThanBefore_refuseToStart(Cluster cluster) throws Exception {
    NodeProcess node = cluster.node(3);
    node.stop();
    NodeProcess changed = node.with("--shards=8");
    changed.start();
    assertThat(changed.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(changed.logText()).contains("cannot start node 3").contains("shards=4");
    NodeProcess chooser = node.with("--exclude=acked");
    chooser.start();
    assertThat(chooser.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(chooser.logText())
        .containsPattern(
            "cannot start node 3: node 3 was started with exclude=acked, node [12] with exclude=;"
                + " give it the options of (node [12]|nodes 1, 2)"); // whoever answered by then
    NodeProcess impostor = cluster.node(2).with("--node-id=3");
    cluster.node(2).stop();
    impostor.start();
    assertThat(impostor.awaitExit(Duration.ofSeconds(30))).isIn(1, 2);
  }
}
