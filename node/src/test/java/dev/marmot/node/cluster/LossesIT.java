package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes that are lost with all they had, that have another address, that are removed while they are
 * dead, and a majority that is lost for good. One cluster for one long story, since starts are
 * slow.
 */
class LossesIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Commits until it is ended. */
  private static final String WRITER =
      """
      import sqlite3, sys, time
      db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
      node = int(sys.argv[2]); i = 0
      while True:
          db.execute("INSERT INTO t VALUES(?, hex(randomblob(2000)))", (node * 1000000 + i,)); i += 1
          time.sleep(0.002)
      """;

  @Test
  void lostMovedAndDeadNodes_thenTheMajority(@TempDir Path directory) throws Exception {
    try (Cluster cluster =
        new Cluster(directory, "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);").start()) {
      fileAndDirectoryLost(cluster);
      anotherAddress(cluster);
      removeTheDead(cluster);
      NodeProcess fourth = cluster.joining(4, directory);
      fourth.start();
      cluster.awaitReady(1, 2, 4);
      majorityLost(cluster);
      comeBack(cluster);
      numbersOfTheLost(cluster, directory);
    }
  }

  private static void insert(NodeProcess node, int id) throws Exception {
    Tools.sqlite(node.database(), "INSERT INTO t VALUES(%d, 'by hand');".formatted(id));
  }

  /** With nothing left, it joins with its old number like a new node. */
  private static void fileAndDirectoryLost(Cluster cluster) throws Exception {
    insert(cluster.node(2), 1);
    cluster.barrier(1);
    NodeProcess node = cluster.node(2);
    node.kill();
    Tools.delete(node.directory());
    Files.createDirectories(node.directory());
    NodeProcess tooEarly = node.joining(cluster.node(1));
    tooEarly.start();
    assertThat(tooEarly.awaitExit(PATIENCE)).isEqualTo(1);
    assertThat(tooEarly.logText())
        .contains("node 2 is a member of the cluster and was heard")
        .contains("--replace");
    try (Stream<Path> left = Files.list(node.directory())) {
      assertThat(left).containsExactly(node.log());
    }
    NodeProcess again = cluster.replace(node.replacing(cluster.node(1)));
    again.start();
    cluster.awaitReady();
    insert(again, 2);
    cluster.assertEqual();
  }

  /**
   * A node at another address is a new member, as is one that lost its raft directory; its file
   * stays, with what it had not sent.
   */
  private static void anotherAddress(Cluster cluster) throws Exception {
    NodeProcess node = cluster.node(3);
    node.kill();
    insert(node, 3);
    String address = "127.0.0.1:" + Cluster.freePort();
    String old = node.option("bind");
    NodeProcess moved =
        node.with("--bind=" + address)
            .with("--bootstrap=" + cluster.bootstrap().replace(old, address));
    moved.start();
    assertThat(moved.awaitExit(PATIENCE)).isEqualTo(1);
    assertThat(moved.logText())
        .contains("does not fit: it was made with bootstrap=")
        .contains("move that node's directory aside");

    Files.move(node.directory().resolve("raft"), node.directory().resolve("raft-before"));
    node.start();
    assertThat(node.awaitExit(PATIENCE)).isEqualTo(1);
    assertThat(node.logText()).contains("the raft logs are lost").contains("--join");
    NodeProcess joining = cluster.replace(moved.replacing(cluster.node(2)));
    cluster.node(1).kill(); // at its next start it still has the old address in its options
    cluster.node(1).start();
    joining.start();
    cluster.awaitReady();
    cluster.assertEqual();
    assertThat(Tools.sqlite(cluster.node(1).database(), "SELECT count(*) FROM t WHERE id=3;"))
        .as("what it had not sent")
        .isEqualTo("1");

    joining.kill();
    NodeProcess movedAgain = joining.with("--bind=127.0.0.1:" + Cluster.freePort());
    movedAgain.start();
    assertThat(movedAgain.awaitExit(PATIENCE)).isEqualTo(1);
    assertThat(movedAgain.logText()).contains("the other nodes know it at " + address);
  }

  /** Node 3 is down; without node 2, too, there would be no majority. */
  private static void removeTheDead(Cluster cluster) throws Exception {
    NodeProcess first = cluster.node(1);
    assertThat(Run.marmot(first, "remove", "--node", "2"))
        .matches(run -> run.exitCode() == 3)
        .matches(run -> run.text().contains("1 of the 2 voting members that remain are up"));
    Run removed = Run.marmot(first, "remove", "--node", "3");
    assertThat(removed.text()).startsWith("n3 is no member any more; it did not answer before");
    assertThat(removed.exitCode()).isZero();
    NodeProcess dead = cluster.node(3);
    dead.start();
    assertThat(dead.awaitExit(PATIENCE)).isEqualTo(6);
    assertThat(dead.logText()).contains("n3 was removed from the cluster and cannot come back");
    cluster.assertEqual(1, 2);
  }

  private static Run recover(NodeProcess node, String... more) throws Exception {
    List<String> command = new ArrayList<>(List.of("recover", "--force-new-cluster"));
    command.add("--db-path=" + node.database());
    command.add("--raft-path=" + node.directory().resolve("raft"));
    command.addAll(List.of(more));
    return Run.marmot(command);
  }

  /** Killed in full flight, so that the survivor's logs end anywhere. */
  private static void majorityLost(Cluster cluster) throws Exception {
    NodeProcess survivor = cluster.node(1);
    NodeProcess second = cluster.node(2);
    NodeProcess fourth = cluster.node(4);
    List<Process> writers = new ArrayList<>();
    for (NodeProcess node : List.of(survivor, second, fourth)) {
      writers.add(Tools.python(WRITER, node.database(), node.id()));
    }
    try {
      cluster.barrier(1);
      fourth.kill();
      assertThat(recover(survivor, "--yes"))
          .matches(
              run -> run.exitCode() == 1 && run.text().contains("another running Marmot uses it"));
      survivor.kill();
      assertThat(recover(survivor, "--yes"))
          .matches(run -> run.exitCode() == 1)
          .matches(run -> run.text().contains("n2 at " + second.option("bind") + " runs"));
      second.kill();
    } finally {
      writers.forEach(Process::destroy);
    }
    Tools.delete(fourth.directory());
    String rows = Tools.sqlite(survivor.database(), "SELECT count(*) FROM t;");

    Run look = recover(survivor);
    assertThat(look.exitCode()).isZero();
    assertThat(look.text())
        .contains("the others were n2, n4", "UNSURE", "GONE: whatever only n2, n4 had")
        .contains("Nothing was changed");
    Run recovered = recover(survivor, "--yes");
    System.out.println(recovered.text());
    assertThat(recovered).matches(run -> run.exitCode() == 0);
    assertThat(recovered.text()).contains("n1 is the only member of cluster");
    survivor.start();
    cluster.awaitReady(1);
    insert(survivor, 4);
    cluster.barrier(1);
    assertThat(
            Long.parseLong(
                Tools.sqlite(survivor.database(), "SELECT count(*) FROM t WHERE id<>4;")))
        .as("rows of the survivor's file, and what was in its logs only")
        .isGreaterThanOrEqualTo(Long.parseLong(rows));
  }

  /** The old life of a lost node is refused; its new one joins. */
  private static void comeBack(Cluster cluster) throws Exception {
    NodeProcess second = cluster.node(2);
    second.start(); // asks the new cluster to join, with the directory of the old one
    assertThat(second.awaitExit(PATIENCE)).isEqualTo(1);
    assertThat(second.logText()).contains("the cluster was recovered without node 2");
    NodeProcess unasked =
        second.with("--join=127.0.0.1:" + Cluster.freePort()); // nobody is there to ask
    unasked.start();
    assertThat(unasked.awaitExit(PATIENCE)).isEqualTo(6);

    Tools.delete(second.directory().resolve("raft"));
    assertThat(Run.marmot(List.of("cleanup", "--db-path=" + second.database())).exitCode())
        .isZero();
    second.start();
    cluster.awaitReady(2);
    insert(second, 5);
    cluster.assertEqual(1, 2);
  }

  /** What the lost nodes had begun is ended; a new node comes in their place. */
  private static void numbersOfTheLost(Cluster cluster, Path directory) throws Exception {
    NodeProcess survivor = cluster.node(1);
    assertThat(Run.marmot(survivor, "remove", "--node", "4"))
        .matches(run -> run.exitCode() == 0)
        .matches(run -> run.text().startsWith("n4 is no member any more"));
    NodeProcess fifth = cluster.joining(5, directory);
    fifth.start();
    cluster.awaitReady(5);
    survivor.kill();
    survivor.start(); // with its old bootstrap
    cluster.awaitReady(1, 2, 5);
    insert(survivor, 6);
    insert(fifth, 7);
    cluster.assertEqual(1, 2, 5);
  }
}
