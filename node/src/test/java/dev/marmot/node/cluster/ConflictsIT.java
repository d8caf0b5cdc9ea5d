package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lost is listed on every node, and what a node cannot store appears once it can. */
class ConflictsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static String marmot(NodeProcess node, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(NodeProcess.marmot());
    command.addAll(List.of(arguments));
    command.add("--pane=127.0.0.1:" + node.panePort());
    return Tools.run(command, "");
  }

  @Test
  void heldRowsAndConflicts_areListed(@TempDir Path directory) throws Exception {
    String schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);";
    try (Cluster cluster = new Cluster(directory, schema, List.of("--shards=4")).start()) {
      tableMissingOnOneNode_rowsAreHeldThere_andAppearWhenItIsCreated(cluster);
      sameRowWrittenOnBothSidesOfACut_theLoserIsListedEverywhere(cluster);
      rowsWrittenOnAllNodesAtOnce_theListIsTheSameOnAll(cluster);
    }
  }

  private static void sameRowWrittenOnBothSidesOfACut_theLoserIsListedEverywhere(Cluster cluster)
      throws Exception {
    assertThat(cluster.node(2).stop()).isIn(0, 143);
    Tools.sqlite(cluster.node(1).database(), "INSERT INTO t VALUES(7, 'from one');");
    await("the row on node 3")
        .atMost(PATIENCE)
        .until(
            () -> Tools.sqlite(cluster.node(3).database(), "SELECT v FROM t;").equals("from one"));
    Tools.sqlite(cluster.node(2).database(), "INSERT INTO t VALUES(7, 'from two');");
    cluster.node(2).start();
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT v FROM t;")).isEqualTo("from two");
    for (NodeProcess node : cluster.nodes()) {
      assertThat(marmot(node, "conflicts", "--json").lines())
          .as("conflicts of node %d", node.id())
          .singleElement()
          .asString()
          .contains("\"table\":\"t\"")
          .contains("\"value\":\"from one\"")
          .contains("\"reason\":\"INSERTED_TWICE\"")
          .contains("\"losingOrigin\":1,\"winningOrigin\":2");
    }
  }

  private static void rowsWrittenOnAllNodesAtOnce_theListIsTheSameOnAll(Cluster cluster)
      throws Exception {
    for (int i = 0; i < 15; i++) {
      for (NodeProcess node : cluster.nodes()) {
        Tools.sqlite(
            node.database(),
            "UPDATE t SET v='%d of %d' WHERE id=7;".formatted(i, node.id())
                + "INSERT INTO t VALUES(%d, 'same') ON CONFLICT DO NOTHING;".formatted(100 + i));
      }
    }
    cluster.assertEqual();
    await("one list")
        .atMost(PATIENCE)
        .until(
            () ->
                conflicts(cluster.node(1)).equals(conflicts(cluster.node(2)))
                    && conflicts(cluster.node(1)).equals(conflicts(cluster.node(3))));
    assertThat(conflicts(cluster.node(1))).hasSizeGreaterThan(1);
  }

  /** What a node lists, without what is its own: id, time and order. */
  private static List<String> conflicts(NodeProcess node) throws IOException, InterruptedException {
    return marmot(node, "conflicts", "--json", "--limit=0")
        .lines()
        .map(line -> line.replaceAll("\"(id|time|timeMillis)\":\"?[^,]*,", ""))
        .sorted()
        .toList();
  }

  private static void tableMissingOnOneNode_rowsAreHeldThere_andAppearWhenItIsCreated(
      Cluster cluster) throws Exception {
    NodeProcess third = cluster.node(3);
    String late = "CREATE TABLE late(k TEXT PRIMARY KEY, v);";
    Tools.sqlite(cluster.node(1).database(), late);
    Tools.sqlite(cluster.node(2).database(), late);
    Tools.sqlite(
        cluster.node(1).database(), "INSERT INTO late VALUES('a', 1), ('b', x'00'), ('c', NULL);");
    // Not the barrier: rows of a table that is seconds old may not be captured yet.
    await("rows are held")
        .atMost(PATIENCE)
        .until(() -> third.get("/readyz").body().contains("3 rows are held: late"));
    assertThat(marmot(third, "held")).contains("late").contains("k='b'").contains("no such table");
    assertThat(third.status("/readyz")).isEqualTo(200);
    assertThat(marmot(third, "status", "--json")).contains("\"heldRows\" : 3");

    Tools.sqlite(third.database(), late);
    await("the held rows")
        .atMost(PATIENCE)
        .until(() -> Tools.sqlite(third.database(), "SELECT count(*) FROM late;").equals("3"));
    assertThat(marmot(third, "held")).contains("no rows are held");
    assertThat(marmot(third, "retry")).contains("0 rows are no longer held");
    assertThat(third.get("/readyz").body()).doesNotContain("rows are held");
    Tools.sqlite(third.database(), "UPDATE late SET v=2 WHERE k='a';");
    cluster.assertEqual();
    assertThat(marmot(cluster.node(1), "conflicts", "--json")).isEmpty();
  }
}
