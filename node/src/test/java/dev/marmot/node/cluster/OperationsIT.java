package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of docs/operations, while applications write on every node. */
class OperationsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  /** Writes until a file appears; a failed write ends it with an error. */
  private static final String WRITER =
      """
      import os, sqlite3, sys, time
      db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
      node = int(sys.argv[2]); i = 0
      while not os.path.exists(sys.argv[3]):
          db.execute("INSERT INTO t VALUES(?, ?)", (node * 1000000 + i, "x" * 40)); i += 1
          time.sleep(0.01)
      print(i)
      """;

  /** One row after the other on each node in turn: how long until all others show it? */
  private static final String PROBE =
      """
      import os, sqlite3, sys, time
      dbs = [sqlite3.connect(file, timeout=20, isolation_level=None) for file in sys.argv[2:]]
      delays = []; row = 9000000
      while not os.path.exists(sys.argv[1]):
          row += 1
          dbs[row % 3].execute("INSERT INTO t VALUES(?, 'probe')", (row,))
          begin = time.monotonic()
          for db in dbs:
              while not db.execute("SELECT 1 FROM t WHERE id=?", (row,)).fetchone():
                  time.sleep(0.005)
          delays.append(time.monotonic() - begin)
      delays.sort()
      print("max %.3f s, p99 %.3f s, median %.3f s of %d rows" % (
          delays[-1], delays[len(delays) * 99 // 100], delays[len(delays) // 2], len(delays)))
      """;

  @Test
  void leadersShardsAndMembers_changeUnderLoad(@TempDir Path directory) throws Exception {
    try (Cluster cluster =
        new Cluster(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);").start()) {
      Path stop = directory.resolve("stop");
      Path stop3 = directory.resolve("stop3");
      List<Process> writers = new ArrayList<>();
      writers.add(Tools.python(WRITER, cluster.node(1).database(), 1, stop));
      writers.add(Tools.python(WRITER, cluster.node(2).database(), 2, stop));
      Process writer3 = Tools.python(WRITER, cluster.node(3).database(), 3, stop3);
      try {
        awaitShards(cluster, 16);
        await("a leader for each, on the command line") // one may just be moving
            .atMost(PATIENCE)
            .untilAsserted(
                () -> {
                  Run shards = marmot(cluster, 1, "shards", "--json");
                  assertThat(leaders(new JsonArray(shards.text())))
                      .hasSize(16)
                      .doesNotContainValue(0);
                });
        moveSticks(cluster);
        drainAndRebalance(cluster, directory);
        moreShards(cluster);
        Files.createFile(stop3);
        int written3 = Integer.parseInt(Tools.output(writer3));
        remove(cluster, written3);
        Files.createFile(stop);
        for (Process writer : writers) {
          assertThat(Integer.parseInt(Tools.output(writer))).isPositive();
        }
        cluster.assertEqual(1, 2);
      } finally {
        writers.forEach(Process::destroy);
        writer3.destroy();
      }
    }
  }

  private static void moveSticks(Cluster cluster) throws Exception {
    int from = leader(cluster, 5);
    int to = from == 2 ? 1 : 2;
    assertThat(marmot(cluster, 1, "move", "--shard", "5,7", "--to", "" + to).text())
        .contains("n" + to + " leads shard 5, shard 7");
    // The balancer looks every quarter of a second and acts after two seconds.
    await("a move by hand sticks")
        .during(Duration.ofMillis(3_500))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> leader(cluster, 5) == to && leader(cluster, 7) == to);
    assertThat(marmot(cluster, 1, "move", "--shard", "99", "--to", "2"))
        .matches(run -> run.exitCode() == 2 && run.text().contains("there is no shard 99"));
    assertThat(marmot(cluster, 1, "move", "--shard", "1", "--to", "9"))
        .matches(run -> run.exitCode() == 2 && run.text().contains("members are n1, n2, n3"));
  }

  private static void drainAndRebalance(Cluster cluster, Path directory) throws Exception {
    Path stop = directory.resolve("stop-probe");
    List<Path> files = cluster.nodes().stream().map(NodeProcess::database).toList();
    Process probe = Tools.python(PROBE, stop, files.get(0), files.get(1), files.get(2));
    try {
      drainAndRebalance(cluster);
      Files.createFile(stop);
      String delays = Tools.output(probe);
      System.out.println("drain and rebalance under load, replication delay: " + delays);
      // The figure is below 2 s on a machine that does nothing else; this is no benchmark.
      assertThat(Double.parseDouble(delays.split(" ", -1)[1])).as(delays).isLessThan(10.0);
    } finally {
      probe.destroy();
    }
  }

  private static void drainAndRebalance(Cluster cluster) throws Exception {
    long before = rows(cluster, 3);
    assertThat(marmot(cluster, 1, "drain").text()).contains("n1 leads nothing");
    await("node 1 leads nothing while writes go on")
        .during(Duration.ofSeconds(2))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> !leaders(cluster).containsValue(1) && rows(cluster, 3) > before);
    assertThat(marmot(cluster, 2, "move", "--shard", "order", "--to", "3").exitCode()).isZero();
    assertThat(marmot(cluster, 2, "shards").text()).contains("order  n3");
    assertThat(marmot(cluster, 1, "rebalance").exitCode()).isZero();
    await("leaders are spread again")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> spread(leaders(cluster)));
  }

  private static void moreShards(Cluster cluster) throws Exception {
    assertThat(marmot(cluster, 3, "shards", "set", "20").text())
        .contains("20 shards get new changes, 16 did before");
    awaitShards(cluster, 20);
    cluster.barrier(1);
  }

  private static void remove(Cluster cluster, int written) throws Exception {
    assertThat(marmot(cluster, 3, "remove", "--node", "3"))
        .matches(run -> run.exitCode() == 2 && run.text().contains("ask another member"));
    Run removed = marmot(cluster, 1, "remove", "--node", "3");
    assertThat(removed.text()).isEqualTo("n3 is no member any more");
    NodeProcess gone = cluster.node(3);
    assertThat(gone.awaitExit(PATIENCE)).isEqualTo(6);
    assertThat(gone.logText()).contains("n3 was removed from the cluster and cannot come back");
    gone.start();
    assertThat(gone.awaitExit(PATIENCE)).isEqualTo(6);
    assertThat(gone.logText()).contains("cannot start: n3 was removed from the cluster");
    assertThat(marmot(cluster, 1, "remove", "--node", "3"))
        .matches(run -> run.exitCode() == 2 && run.text().contains("members are n1, n2"));
    assertThat(marmot(cluster, 1, "barrier").exitCode()).isZero();
    assertThat(
            Tools.sqlite(
                cluster.node(1).database(),
                "SELECT count(*) FROM t WHERE id BETWEEN 3000000 AND 8999999;"))
        .as("what the removed node had committed")
        .isEqualTo("" + written);
  }

  private static void awaitShards(Cluster cluster, int count) {
    await(count + " shards with leaders")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(300))
        .until(
            () -> {
              Map<Integer, Integer> leaders = leaders(cluster);
              return leaders.size() == count && !leaders.containsValue(0);
            });
  }

  /** Even to within one, as far as three nodes and the order log allow. */
  private static boolean spread(Map<Integer, Integer> leaders) {
    for (int node = 1; node <= 3; node++) {
      int led = node;
      long count = leaders.values().stream().filter(leader -> leader == led).count();
      if (count < 4) {
        return false;
      }
    }
    return true;
  }

  private static Map<Integer, Integer> leaders(Cluster cluster) throws Exception {
    return leaders(
        new JsonObject(cluster.node(2).get("/api/v1/shards").body()).getJsonArray("shards"));
  }

  private static int leader(Cluster cluster, int shard) throws Exception {
    return leaders(cluster).getOrDefault(shard, 0);
  }

  private static Map<Integer, Integer> leaders(JsonArray shards) {
    Map<Integer, Integer> leaders = new TreeMap<>();
    for (Object each : shards) {
      JsonObject shard = (JsonObject) each;
      assertThat(shard.fieldNames())
          .contains("shard", "leader", "term", "committed", "applied", "lag");
      leaders.put(shard.getInteger("shard"), shard.getInteger("leader"));
    }
    return leaders;
  }

  private static long rows(Cluster cluster, int node) throws Exception {
    return Long.parseLong(
        Tools.sqlite(cluster.node(node).database(), "SELECT count(*) FROM t WHERE id < 3000000;"));
  }

  private static Run marmot(Cluster cluster, int node, String... arguments) throws Exception {
    return Run.marmot(cluster.node(node), arguments);
  }
}
