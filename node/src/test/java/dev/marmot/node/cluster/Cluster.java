package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Three nodes on this machine, each with a directory of its own. Confined to the test's thread. */
final class Cluster implements AutoCloseable {
  private static final int NODES = 3;

  private final List<NodeProcess> nodes = new ArrayList<>();
  private final String bootstrap;

  /** Makes the directories and the files, all with the same schema, and starts nothing. */
  Cluster(Path directory, String schema) throws IOException, InterruptedException {
    this(directory, schema, List.of());
  }

  /** The same with more options for all nodes. */
  Cluster(Path directory, String schema, List<String> more)
      throws IOException, InterruptedException {
    List<Integer> raft = freePorts(NODES * 2);
    bootstrap =
        IntStream.rangeClosed(1, NODES)
            .mapToObj(id -> id + "@127.0.0.1:" + raft.get(id - 1))
            .collect(Collectors.joining(","));
    for (int id = 1; id <= NODES; id++) {
      Path home = Files.createDirectories(directory.resolve("n" + id));
      Tools.sqlite(home.resolve("app.db"), schema);
      int pane = raft.get(NODES + id - 1);
      List<String> options = new ArrayList<>(options(id, home, raft.get(id - 1), pane));
      options.add("--bootstrap=" + bootstrap);
      options.addAll(more);
      nodes.add(new NodeProcess(id, home, pane, options));
    }
  }

  private static List<String> options(int id, Path home, int raft, int pane) {
    return List.of(
        "--node-id=" + id,
        "--db-path=" + home.resolve("app.db"),
        "--raft-path=" + home.resolve("raft"),
        "--bind=127.0.0.1:" + raft,
        "--bind-pane=127.0.0.1:" + pane);
  }

  /** A further node, without a file, that joins through node 1; not started. */
  NodeProcess joining(int id, Path directory) throws IOException {
    List<Integer> ports = freePorts(2);
    Path home = Files.createDirectories(directory.resolve("n" + id));
    List<String> options = options(id, home, ports.get(0), ports.get(1));
    NodeProcess node = new NodeProcess(id, home, ports.get(1), options).joining(node(1));
    nodes.add(node);
    return node;
  }

  /** A node is started with other options from now on. */
  NodeProcess replace(NodeProcess node) {
    nodes.set(node.id() - 1, node);
    return node;
  }

  NodeProcess node(int id) {
    return nodes.get(id - 1);
  }

  List<NodeProcess> nodes() {
    return nodes;
  }

  String bootstrap() {
    return bootstrap;
  }

  Cluster start() {
    nodes.forEach(NodeProcess::start);
    awaitReady();
    return this;
  }

  void awaitReady() {
    awaitReady(nodes.stream().mapToInt(NodeProcess::id).toArray());
  }

  /** The same of some. */
  void awaitReady(int... ids) {
    for (int id : ids) {
      NodeProcess node = node(id);
      await("node " + node.id() + " ready")
          .atMost(Duration.ofMinutes(3))
          .pollInterval(Duration.ofMillis(50))
          .until(
              () -> {
                if (!node.isAlive()) {
                  throw new IllegalStateException("node died\n" + node.logText());
                }
                return node.ready();
              });
    }
  }

  /**
   * {@code marmot barrier} on a node: everything committed anywhere is visible there afterwards.
   */
  void barrier(int id) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(NodeProcess.marmot());
    command.addAll(List.of("barrier", "--timeout=60s", "--pane=127.0.0.1:" + node(id).panePort()));
    Tools.run(command, "");
  }

  /** Has everything everywhere, then compares the files value by value with storage class. */
  void assertEqual() throws Exception {
    assertEqual(1, 2, 3);
  }

  /** The same of the nodes that are left. */
  void assertEqual(int... ids) throws Exception {
    for (int id : ids) {
      barrier(id);
    }
    FileContents first = FileContents.read(node(1).database());
    assertThat(first.tables()).isNotEmpty();
    for (int id : ids) {
      NodeProcess node = node(id);
      assertThat(FileContents.read(node.database()).differences(first))
          .as("differences between node %d and node 1", node.id())
          .isEmpty();
      assertThat(Tools.sqlite(node.database(), "PRAGMA integrity_check;")).isEqualTo("ok");
    }
  }

  static int freePort() throws IOException {
    return freePorts(1).get(0);
  }

  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0));
      }
      return sockets.stream().map(ServerSocket::getLocalPort).toList();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  @Override
  public void close() {
    for (NodeProcess node : nodes) {
      node.kill();
    }
  }
}
