package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first start of a cluster whose files differ. One cluster, one story. */
class FirstStartIT {
  private static final String SCHEMA =
      """
      CREATE TABLE orders(id INTEGER PRIMARY KEY, v TEXT);
      CREATE TABLE equal(k TEXT PRIMARY KEY) WITHOUT ROWID;
      INSERT INTO orders VALUES(1, 'a'), (2, 'b');
      INSERT INTO equal VALUES('x');
      """;

  @Test
  void differentFiles_areRefusedUntouched_andSeeded(@TempDir Path directory) throws Exception {
    try (Cluster cluster = new Cluster(directory, SCHEMA, List.of("--shards=4"))) {
      NodeProcess seed = cluster.node(1);
      NodeProcess other = cluster.node(3);
      Tools.sqlite(other.database(), "UPDATE orders SET v='mine' WHERE id=1;");
      Tools.sqlite(other.database(), "INSERT INTO orders VALUES(3, 'only here');");
      untilAllAreThere_nobodyReplicates(cluster);
      otherOptions_endOnlyTheOddOne(cluster);
      theDifferenceIsNamed_andNothingMoves(cluster);
      seedFrom_makesAllEqual_andKeepsWhatWasReplaced(cluster, seed, other);
      aNodeThatLostEverything_isNotTheOneThatWasCompared(cluster.node(2));
      allRaftLogsLost_beginAnewFromTheFiles(cluster);
    }
  }

  private static void awaitReason(NodeProcess node, String... parts) {
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(
            () -> {
              assertThat(node.status("/readyz")).isEqualTo(503);
              assertThat(node.get("/readyz").body()).contains(parts);
            });
  }

  private static void untilAllAreThere_nobodyReplicates(Cluster cluster) throws Exception {
    cluster.node(1).start();
    cluster.node(2).start();
    awaitReason(cluster.node(1), "waiting for the first comparison: node 3");
    awaitReason(cluster.node(2), "waiting for the first comparison: node 3");
    Tools.sqlite(cluster.node(1).database(), "INSERT INTO orders VALUES(101, 'while it waits');");
  }

  private static void otherOptions_endOnlyTheOddOne(Cluster cluster) throws Exception {
    NodeProcess odd = cluster.node(3).with("--shards=8");
    odd.start();
    assertThat(odd.awaitExit(Duration.ofSeconds(60))).isEqualTo(1);
    assertThat(odd.logText())
        .contains("node 3 was started with shards=8")
        .contains("; give it the options of nodes 1, 2");
    for (int id = 1; id <= 2; id++) {
      awaitReason(cluster.node(id), "waiting for the first comparison: node 3", "shards=8");
    }
  }

  private static void theDifferenceIsNamed_andNothingMoves(Cluster cluster) throws Exception {
    cluster.node(3).start();
    for (NodeProcess node : cluster.nodes()) {
      awaitReason(
          node,
          "orders (nodes 1, 2: 2 rows; node 3: 3 rows)",
          "start nodes 1, 2, 3 with --seed-from");
      assertThat(node.get("/readyz").body()).doesNotContain("equal (");
    }
    Tools.sqlite(
        cluster.node(3).database(), "INSERT INTO orders VALUES(103, 'refused meanwhile');");
    assertThat(orders(cluster.node(1))).isEqualTo("1a 2b 101while it waits");
    assertThat(orders(cluster.node(2))).isEqualTo("1a 2b");
    assertThat(orders(cluster.node(3))).isEqualTo("1mine 2b 3only here 103refused meanwhile");
  }

  private static String orders(NodeProcess node) throws IOException, InterruptedException {
    return orders(node.database());
  }

  private static String orders(Path database) throws IOException, InterruptedException {
    return Tools.sqlite(
        database, "SELECT group_concat(id || v, ' ') FROM (SELECT * FROM orders ORDER BY id);");
  }

  private static void seedFrom_makesAllEqual_andKeepsWhatWasReplaced(
      Cluster cluster, NodeProcess seed, NodeProcess other) throws Exception {
    other.kill();
    NodeProcess taking = cluster.replace(other.with("--seed-from=1"));
    taking.start();
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(orders(seed)).isEqualTo("1a 2b 101while it waits 103refused meanwhile");
    List<Path> kept = keptBeside(taking);
    assertThat(kept).hasSize(1);
    assertThat(orders(kept.get(0))).isEqualTo("1mine 2b 3only here 103refused meanwhile");

    taking.kill(); // with the option still there, it is not done again
    taking.start();
    cluster.awaitReady();
    Tools.sqlite(taking.database(), "INSERT INTO orders VALUES(104, 'afterwards');");
    cluster.assertEqual();
    assertThat(orders(seed)).endsWith("104afterwards");
    assertThat(keptBeside(taking)).isEqualTo(kept);
  }

  private static List<Path> keptBeside(NodeProcess node) throws IOException {
    try (Stream<Path> files = Files.list(node.directory())) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("app.db.before-"))
          .filter(file -> !file.toString().endsWith("-wal") && !file.toString().endsWith("-shm"))
          .toList();
    }
  }

  private static void aNodeThatLostEverything_isNotTheOneThatWasCompared(NodeProcess node)
      throws Exception {
    node.kill();
    Tools.delete(node.directory().resolve("raft"));
    for (String suffix : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(node.database().resolveSibling("app.db" + suffix));
    }
    Tools.sqlite(node.database(), SCHEMA);
    node.start();
    assertThat(node.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(node.logText()).contains("lost or replaced").contains("--join");
  }

  /** The way that the message names; see docs/operations/recovery.md. */
  private static void allRaftLogsLost_beginAnewFromTheFiles(Cluster cluster) throws Exception {
    for (NodeProcess node : cluster.nodes()) {
      node.kill();
      Tools.delete(node.directory().resolve("raft"));
    }
    NodeProcess first = cluster.node(1);
    first.start();
    assertThat(first.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(first.logText())
        .contains("if the raft logs of all nodes are lost, run `marmot cleanup`")
        .contains("--seed-from");
    for (NodeProcess node : cluster.nodes()) {
      assertThat(Run.marmot(List.of("cleanup", "--db-path=" + node.database())).exitCode())
          .isZero();
      NodeProcess again = node.id() == 1 ? node : cluster.replace(node.with("--seed-from=1"));
      again.start();
    }
    cluster.awaitReady();
    Tools.sqlite(cluster.node(2).database(), "INSERT INTO orders VALUES(105, 'anew');");
    cluster.assertEqual();
    assertThat(orders(first)).endsWith("104afterwards 105anew");
  }
}
