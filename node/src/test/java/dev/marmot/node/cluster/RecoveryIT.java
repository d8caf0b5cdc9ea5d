package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes that lag, come, or have lost something. One cluster for one long story, since starts are
 * slow; the story is told in steps.
 */
class RecoveryIT {
  private static final String SCHEMA =
      """
      CREATE TABLE t(id INTEGER PRIMARY KEY, node INTEGER, v TEXT);
      CREATE TABLE u(k TEXT PRIMARY KEY, email TEXT UNIQUE) WITHOUT ROWID;
      """;

  private static final Pattern ORDER_LOG_LEADER =
      Pattern.compile("\"name\"\\s*:\\s*\"order log\",\\s*\"leader\"\\s*:\\s*(\\d+)");

  /** Commits this many transactions of ten rows, as fast as it can. */
  private static final String LOAD =
      """
      import sqlite3, sys
      path, node, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
      db = sqlite3.connect(path, timeout=60, isolation_level=None)
      for n in range(first, first + count):
          db.execute("BEGIN IMMEDIATE")
          for i in range(10):
              db.execute("INSERT INTO t VALUES(?, ?, hex(randomblob(100)))", (node * 10000000 + n * 10 + i, node))
          db.execute("COMMIT")
      """;

  @Test
  void lagging_lostAndNewNodes_comeBackEqual(@TempDir Path directory) throws Exception {
    try (Cluster cluster = new Cluster(directory, SCHEMA, List.of("--max-log-entries=16"))) {
      cluster.start();
      aLaggingNode_getsASnapshot_fromTheOnlyOtherNode(cluster);
      aNewNode_joinsWithoutAFile(cluster, directory);
      aLostFile_isBrought(cluster);
      anOlderCopyOfTheFile_isRefused_andAdopted(cluster);
      aServerThatIsSetBack_isRefused_andJoinsAgain(cluster);
    }
  }

  private static void load(NodeProcess node, int first, int count) throws Exception {
    Tools.output(Tools.python(LOAD, node.database(), node.id(), first, count));
  }

  /**
   * Stopped while more went by than the logs keep; its own writes of that time survive. It led the
   * order log: only what an earlier leader wrote is in a file of its own, and can be purged early.
   *
   * <p>When it is back only one other node is up, with writes that nobody has ordered: its snapshot
   * is complete only with them, and they need the copies of the one that lags.
   */
  private static void aLaggingNode_getsASnapshot_fromTheOnlyOtherNode(Cluster cluster)
      throws Exception {
    NodeProcess node = cluster.node(orderLogLeader(cluster.node(1)));
    List<NodeProcess> others =
        cluster.nodes().stream().filter(one -> one.id() != node.id()).toList();
    node.kill();
    Tools.sqlite(
        node.database(),
        "INSERT INTO t VALUES(5, 3, 'while the sidecar was down'); INSERT INTO u VALUES('a','x');");
    Tools.sqlite(others.get(1).database(), "INSERT INTO u VALUES('b', 'x');");
    for (int round = 0; round < 30; round++) { // many change sets, so that the logs are purged
      load(others.get(0), round * 5, 5);
      awaitSame(others.get(0), others.get(1));
    }
    others.get(1).kill();
    load(others.get(0), 150, 5);
    node.start();
    cluster.awaitReady(node.id(), others.get(0).id());
    awaitSame(others.get(0), node);
    others.get(1).start();
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(node.logText()).contains("snapshot installed").contains("before its state is here");
    assertThat(Tools.sqlite(cluster.node(1).database(), "SELECT v FROM t WHERE id=5;"))
        .isEqualTo("while the sidecar was down");
    // One of the two that wanted the same unique value lost, and is in every conflict log.
    assertThat(Tools.sqlite(cluster.node(1).database(), "SELECT count(*) FROM u;")).isEqualTo("1");
    for (NodeProcess one : cluster.nodes()) {
      assertThat(Tools.sqlite(one.database(), "SELECT count(*) FROM __marmot_conflict;"))
          .as("conflict log of node %d", one.id())
          .isEqualTo("1");
    }
  }

  private static int orderLogLeader(NodeProcess asked) throws IOException {
    String status = asked.get("/api/v1/status").body();
    Matcher leader = ORDER_LOG_LEADER.matcher(status);
    assertThat(leader.find()).as(status).isTrue();
    return Integer.parseInt(leader.group(1));
  }

  private static void awaitSame(NodeProcess one, NodeProcess other) throws Exception {
    String rows = Tools.sqlite(one.database(), "SELECT count(*) FROM t;");
    await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> Tools.sqlite(other.database(), "SELECT count(*) FROM t;").equals(rows));
  }

  private static void aNewNode_joinsWithoutAFile(Cluster cluster, Path directory) throws Exception {
    NodeProcess told = cluster.joining(4, directory);
    NodeProcess fourth = cluster.replace(told.following());
    Process writer = Tools.python(LOAD, cluster.node(1).database(), 1, 1000, 300);
    fourth.start();
    await().atMost(Duration.ofSeconds(60)).until(() -> fourth.status("/readyz") == 503);
    assertThat(fourth.get("/readyz").body()).contains("waits to be told which cluster to join");
    assertThat(Run.marmot(fourth, "join", "--to", told.option("join")))
        .matches(run -> run.exitCode() == 0)
        .matches(run -> run.text().equals("n4 joins cluster marmot"));
    cluster.awaitReady();
    Tools.output(writer);
    cluster.assertEqual();
    Tools.sqlite(fourth.database(), "INSERT INTO t VALUES(6, 4, 'from the new node');");
    cluster.assertEqual();
  }

  private static void aLostFile_isBrought(Cluster cluster) throws Exception {
    NodeProcess node = cluster.node(2);
    node.kill();
    removeDatabase(node);
    load(cluster.node(1), 2000, 20);
    node.start();
    cluster.awaitReady();
    cluster.assertEqual();
    Tools.sqlite(node.database(), "INSERT INTO t VALUES(7, 2, 'after the loss');");
    cluster.assertEqual();
  }

  private static void removeDatabase(NodeProcess node) throws IOException {
    for (String suffix : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(node.database().resolveSibling("app.db" + suffix));
    }
  }

  /** Of an earlier start, and of the same one; both are this node's own file, with its identity. */
  private static void anOlderCopyOfTheFile_isRefused_andAdopted(Cluster cluster) throws Exception {
    NodeProcess node = cluster.node(2);
    assertThat(node.stop()).isIn(0, 143);
    Path earlier = copy(node, "earlier.db");
    node.start();
    cluster.awaitReady();
    Path same = copy(node, "same.db");
    load(node, 3000, 1);
    cluster.assertEqual();
    load(node, 3001, 1);
    cluster.assertEqual();
    node.kill();
    putBack(earlier, node);
    node.start();
    assertThat(node.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(node.logText()).contains("of start").contains("--adopt");
    putBack(same, node);
    // As many writes as it has sent since: the position tells, not the number of changes.
    load(node, 3500, 3);
    node.start();
    assertThat(node.awaitExit(Duration.ofSeconds(60))).isEqualTo(1);
    assertThat(node.logText()).contains("cannot go on: the SQLite file of node 2 is an older copy");
    assertThat(cluster.node(1).ready()).isTrue();
    NodeProcess adopting = cluster.replace(node.with("--adopt=true"));
    adopting.start();
    cluster.awaitReady();
    cluster.assertEqual();
    try (Stream<Path> files = Files.list(node.directory())) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .anyMatch(name -> name.startsWith("app.db.before-"));
    }
  }

  private static Path copy(NodeProcess node, String name) throws Exception {
    Path copy = node.database().resolveSibling(name);
    Tools.sqlite(node.database(), "VACUUM INTO '" + copy + "';");
    return copy;
  }

  private static void putBack(Path copy, NodeProcess node) throws IOException {
    removeDatabase(node);
    Files.move(copy, node.database(), StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Over one of its starts: the raft directory alone, then all of it; both are consistent images.
   */
  private static void aServerThatIsSetBack_isRefused_andJoinsAgain(Cluster cluster)
      throws Exception {
    NodeProcess node = cluster.node(3);
    assertThat(node.stop()).isIn(0, 143);
    Path image = node.directory().resolveSibling("image");
    Tools.copy(node.directory(), image);
    node.start();
    cluster.awaitReady();
    load(node, 6000, 2);
    cluster.assertEqual();
    assertThat(node.stop()).isIn(0, 143);
    Tools.delete(node.directory().resolve("raft"));
    Tools.copy(image.resolve("raft"), node.directory().resolve("raft"));
    node.start();
    assertThat(node.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(node.logText()).contains("raft/node-3 is an older copy of itself (of start");
    Tools.delete(node.directory());
    Tools.copy(image, node.directory());
    load(node, 6500, 1); // it must not count as what was sent already
    node.start();
    assertThat(node.awaitExit(Duration.ofSeconds(30))).isEqualTo(1);
    assertThat(node.logText()).contains("cannot go on: the raft directory of node 3 is an older");
    Tools.delete(node.directory().resolve("raft"));
    NodeProcess again = node.replacing(cluster.node(1)).with("--adopt=true");
    again.start();
    cluster.replace(again);
    cluster.awaitReady();
    load(again, 7000, 1);
    cluster.assertEqual();
  }
}
