package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparing, repairing and saving a cluster while applications write. */
class VerifyIT {
  private static final String SCHEMA =
      """
      CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000)
        INSERT INTO accounts SELECT i, 100 FROM n;
      CREATE TABLE notes(k TEXT PRIMARY KEY, v);
      INSERT INTO notes VALUES('truth', 'true'), ('lost', 1);
      """;

  /** Each node moves money between accounts of its own: the sum never changes. */
  private static final String LOAD =
      """
      import os, random, sqlite3, sys, time
      db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
      node = int(sys.argv[3]); r = random.Random(node)
      own = range(node * 300 - 299, node * 300 + 1)
      while not os.path.exists(sys.argv[2]):
          a, b = r.sample(own, 2)
          db.execute("BEGIN IMMEDIATE")
          db.execute("UPDATE accounts SET balance = balance - 1 WHERE id = ?", (a,))
          db.execute("UPDATE accounts SET balance = balance + 1 WHERE id = ?", (b,))
          db.execute("COMMIT")
          time.sleep(0.05)
      print("done")
      """;

  private record Outcome(int code, String text) {}

  private static Outcome marmot(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(NodeProcess.marmot());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), text.strip());
  }

  private static String pane(NodeProcess node) {
    return "--pane=127.0.0.1:" + node.panePort();
  }

  @Test
  void verifyRepairAndSnapshots_whileApplicationsWrite(@TempDir Path directory) throws Exception {
    Path stop = directory.resolve("stop");
    try (Cluster cluster = new Cluster(directory, SCHEMA, List.of("--shards=4")).start()) {
      List<Process> writers = new ArrayList<>();
      for (NodeProcess node : cluster.nodes()) {
        writers.add(Tools.python(LOAD, node.database(), stop, node.id()));
      }
      equalNodes_areFoundEqual(cluster);
      falsifiedRows_areFound_andRepaired(cluster);
      snapshot_isSaved_inspected_andRestored(cluster, directory);
      Files.createFile(stop);
      for (Process writer : writers) {
        assertThat(Tools.output(writer)).isEqualTo("done");
      }
      absentNode_isNamed(cluster);
      runningCluster_isResetToASnapshot(cluster, directory);
    }
  }

  private static void equalNodes_areFoundEqual(Cluster cluster) throws Exception {
    Outcome equal = marmot("verify", pane(cluster.node(1)));
    assertThat(equal.text())
        .startsWith("equal at position")
        .contains("3 of 3 nodes answered, 2 tables");
    assertThat(equal.code()).isZero();
    assertThat(marmot("verify", "--json", pane(cluster.node(2))).text())
        .contains("\"equal\" : true")
        .contains("\"differences\" : [ ]");
  }

  private static void falsifiedRows_areFound_andRepaired(Cluster cluster) throws Exception {
    Tools.sqlite(
        cluster.node(2).database(),
        """
        BEGIN IMMEDIATE;
        CREATE TEMP TABLE newest AS SELECT max(seq) AS seq FROM __marmot_change_log;
        UPDATE notes SET v='falsified' WHERE k='truth';
        DELETE FROM notes WHERE k='lost';
        INSERT INTO notes VALUES('invented', 2);
        DELETE FROM __marmot_change_log WHERE seq>(SELECT seq FROM newest);
        COMMIT;
        """);
    Outcome different = marmot("verify", pane(cluster.node(1)));
    assertThat(different.text())
        .startsWith("DIFFERENT at position")
        .containsPattern("notes +2 +1,3 +[0-9]+");
    assertThat(different.code()).isEqualTo(5);

    // Asked of the node that is wrong: one of the others repairs it.
    Outcome repaired = marmot("verify", "--repair", pane(cluster.node(2)));
    assertThat(repaired.text())
        .contains("3 rows of the majority were sent again\nequal at position");
    assertThat(repaired.code()).isZero();
    for (NodeProcess node : cluster.nodes()) {
      assertThat(Tools.sqlite(node.database(), "SELECT * FROM notes ORDER BY k;"))
          .isEqualTo("lost|1\ntruth|true");
    }
    assertThat(marmot("conflicts", "--json", pane(cluster.node(2))).text())
        .contains("\"value\":\"falsified\"")
        .contains("\"value\":\"invented\"");
  }

  private static void snapshot_isSaved_inspected_andRestored(Cluster cluster, Path directory)
      throws Exception {
    String file = directory.resolve("backup.db").toString();
    String pane = pane(cluster.node(3));
    Outcome saved = marmot("snapshot", "save", file, pane);
    assertThat(saved.text()).startsWith("saved " + file + ": position ").contains(", 2 tables, ");
    assertThat(saved.text()).doesNotContain("\n");
    assertThat(saved.code()).isZero();
    assertThat(marmot("snapshot", "save", file, pane))
        .isEqualTo(
            new Outcome(
                2,
                "marmot: cannot save the snapshot "
                    + file
                    + ": there is a file; give another path, or --replace"));
    Outcome foreign =
        marmot("snapshot", "save", cluster.node(3).database().toString(), "--replace", pane);
    assertThat(foreign.text()).contains("there is a file that is no saved snapshot");
    assertThat(foreign.code()).isEqualTo(2);
    assertThat(marmot("snapshot", "save", file, "--replace", pane).code()).isZero();

    Outcome inspected = marmot("snapshot", "inspect", file);
    assertThat(inspected.text()).startsWith("sound: position ").contains("accounts");
    assertThat(inspected.code()).isZero();

    Path restored = directory.resolve("restored.db");
    String[] restore = {"snapshot", "restore", file, "--to", restored.toString()};
    assertThat(marmot(restore).code()).isZero();
    assertThat(marmot(restore).code()).as("a second time").isEqualTo(1);
    assertThat(
            Tools.sqlite(
                restored,
                "PRAGMA integrity_check; SELECT sum(balance), count(*) FROM accounts;"
                    + "SELECT group_concat(k) FROM (SELECT k FROM notes ORDER BY k);"
                    + "SELECT count(*) FROM sqlite_master WHERE name LIKE '%marmot%';"))
        .isEqualTo("ok\n100000|1000\nlost,truth\n0");
  }

  private static void absentNode_isNamed(Cluster cluster) throws Exception {
    assertThat(cluster.node(3).stop()).isIn(0, 143);
    Outcome absent = marmot("verify", "--wait=2s", pane(cluster.node(1)));
    assertThat(absent.text())
        .contains("2 of 3 nodes answered")
        .containsPattern("\nnode 3 at 127.0.0.1:[0-9]+: ");
    assertThat(absent.code()).isEqualTo(3);
  }

  /** As docs/operations/backup.md says. */
  private static void runningCluster_isResetToASnapshot(Cluster cluster, Path directory)
      throws Exception {
    Tools.sqlite(cluster.node(1).database(), "DELETE FROM accounts;");
    for (NodeProcess node : cluster.nodes()) {
      if (node.isAlive()) {
        assertThat(node.stop()).isIn(0, 143);
      }
    }
    Path restored = directory.resolve("restored.db"); // each machine would restore its own
    for (NodeProcess node : cluster.nodes()) {
      Path old = Files.createDirectories(node.database().resolveSibling("old"));
      for (String name : List.of("app.db", "app.db-wal", "app.db-shm", "raft")) {
        Path path = node.database().resolveSibling(name);
        if (Files.exists(path)) {
          Files.move(path, old.resolve(name));
        }
      }
      Files.copy(restored, node.database());
      node.start();
    }
    cluster.awaitReady();
    Tools.sqlite(cluster.node(3).database(), "INSERT INTO notes VALUES('after', 1);");
    cluster.assertEqual();
    assertThat(
            Tools.sqlite(
                cluster.node(1).database(),
                "SELECT sum(balance), count(*) FROM accounts; SELECT count(*) FROM notes;"))
        .isEqualTo("100000|1000\n3");
    assertThat(marmot("verify", pane(cluster.node(1))).code()).isZero();
  }
}
