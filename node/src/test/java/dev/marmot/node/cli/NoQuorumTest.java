package dev.marmot.node.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.marmot.node.Node;
import dev.marmot.node.RunningNode;
import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.node.control.PaneServer;
import dev.marmot.node.first.FirstContents;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One of two nodes; the other has a host name that does not resolve. In this process. */
class NoQuorumTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void commands_thatNeedAQuorum_areUnavailable(@TempDir Path directory) throws Exception {
    Path database = Files.createFile(directory.resolve("a.db"));
    try (SqliteReplicaStore store =
        SqliteReplicaStore.open(database, StoreOptions.defaults("n1"))) {
      FirstContents.write(store, FirstContents.taken()); // the two have compared their files
    }
    int port = freePort();
    String other = "no-such-host.invalid:8610";
    Map<String, String> options =
        Map.of(
            "db-path",
            database.toString(),
            "node-id",
            "1",
            "shards",
            "2",
            "bootstrap",
            "1@192.0.2.1:" + port + ",2@" + other,
            "bind",
            "127.0.0.1:" + port);
    Address pane = new Address("localhost", freePort());
    try (RunningNode node = Node.start(NodeConfigLoader.load(options, Map.of()), progress -> {});
        PaneServer server =
            PaneServer.open("n1", new PaneConfig(pane, AuthKey.NONE), node.control())) {
      assertThat(server.port()).isEqualTo(pane.port());
      String unknown = "the host name no-such-host.invalid does not resolve on this machine";
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () ->
                  assertThat(node.control().readiness().reasons().toString())
                      .contains("no raft log has one")
                      .contains("(unreachable: n2 at " + other + ": " + unknown));

      assertUnavailable("has no leader now", "move", "--shard", "1", "--to", "1", pane);
      assertUnavailable(unknown + ".*all members must be up", "shards", "set", "4", pane);
      assertUnavailable("only 1 of 2 voting members are up", "remove", "--node", "2", pane);
      assertUnavailable("cannot compare: ", "verify", "--wait", "1s", pane);
      assertUnavailable("cannot confirm within", "barrier", "--timeout", "300ms", pane);
      assertThat(marmot("status", "--pane", pane.toString())).isZero();
      assertThat(out.toString()).contains(other).contains(unknown);
    }
  }

  private void assertUnavailable(String message, Object... words) {
    err.getBuffer().setLength(0);
    String[] line = new String[words.length + 1];
    for (int i = 0; i < words.length; i++) {
      line[i] = words[i].toString();
    }
    line[words.length] = line[words.length - 1];
    line[words.length - 1] = "--pane";

    assertThat(marmot(line)).as(err.toString()).isEqualTo(3);
    assertThat(err.toString()).containsPattern(message);
    assertThat(out.toString()).isEmpty();
  }

  private int marmot(String... line) {
    return Main.run(
        new Environment(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            Map.of(),
            Node::start,
            Node::cleanup),
        line);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
