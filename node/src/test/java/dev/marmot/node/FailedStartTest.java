package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.sqlite.hooks.DatabaseFileException;
import dev.marmot.sqlite.store.Adoption;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start that fails leaves no trace, and takes nothing from anybody. In-process nodes. */
class FailedStartTest {
  @TempDir private Path directory;
  private Path file = Path.of("");

  @BeforeEach
  void createFile() throws SQLException {
    file = directory.resolve("app.db");
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = application.createStatement()) {
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private NodeConfig config(int node, String... more) throws IOException {
    Map<String, String> options = new HashMap<>();
    options.put("node-id", Integer.toString(node));
    options.put("db-path", file.toString());
    options.put("bind", "127.0.0.1:" + freePort());
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return NodeConfigLoader.load(options, Map.of());
  }

  private static RunningNode start(NodeConfig config) {
    return Node.start(config, what -> {});
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void noSuchFile_leavesNothing() throws IOException {
    NodeConfig mistyped = config(1, "db-path", directory.resolve("ap.db").toString());
    assertThatThrownBy(() -> start(mistyped)).hasMessageContaining("there is no such file");
    assertThat(names()).containsExactly("app.db");
  }

  @Test
  void takenPort_leavesNeitherDirectoryNorHooks() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String bind = "127.0.0.1:" + taken.getLocalPort();
      NodeConfig config = config(1, "bind", bind, "bootstrap", "1@" + bind + ",2@127.0.0.1:1");
      assertThatThrownBy(() -> start(config)).hasMessageContaining("cannot listen on");
    }
    assertThat(names()).containsExactly("app.db");
    assertThat(Adoption.isReplicated(file)).isFalse();
  }

  /** What fails late, when the hooks are in the file. */
  @Test
  void aFailureOfTheStartItself_isUndone() throws IOException {
    Path raft = Files.createDirectories(directory.resolve("raft").resolve("node-1"));
    Files.writeString(raft.resolve("generation"), "no number");
    NodeConfig config = config(1, "raft-path", directory.resolve("raft").toString());
    assertThatThrownBy(() -> start(config)).hasMessageContaining("generation");
    assertThat(Adoption.isReplicated(file)).isFalse();
    assertThat(names()).doesNotContain("app.db-marmot.lock");
  }

  @Test
  void wrongNumber_andASecondMarmot_areRefused_withoutTrace() throws Exception {
    NodeConfig first = config(1);
    try (RunningNode node = start(first)) {
      assertThat(node.control().alive()).isTrue();
      NodeConfig second = config(2, "raft-path", directory.resolve("other").toString());
      assertThatThrownBy(() -> start(second))
          .hasMessageContaining("another running Marmot uses it");
      assertThatThrownBy(() -> Node.cleanup(file)).isInstanceOf(DatabaseFileException.class);
      assertThat(directory.resolve("other")).doesNotExist();
    }
    assertThatThrownBy(() -> start(config(2))).hasMessageContaining("belongs to node 1");
    assertThat(directory.resolve("app.db-raft").resolve("node-2")).doesNotExist();
    assertThat(directory.resolve("app.db-raft").resolve("node-1")).exists();
    assertThat(Node.cleanup(file).removed()).isPositive();
    assertThat(names()).doesNotContain("app.db-marmot.lock");
  }

  /** Until the nodes have compared their files, nothing is bound to the options. */
  @Test
  void optionsOfAClusterThatNeverBegan_mayChange() throws Exception {
    String own = "127.0.0.1:" + freePort();
    String other = "127.0.0.1:" + freePort();
    String bootstrap = "1@" + own + ",2@" + other;
    for (NodeConfig config :
        List.of(
            config(1, "bind", own, "bootstrap", bootstrap, "shards", "4"),
            config(1, "bind", own, "bootstrap", bootstrap, "shards", "2"),
            config(1, "bind", own, "bootstrap", bootstrap + ",3@127.0.0.1:" + freePort()))) {
      try (RunningNode node = start(config)) {
        assertThat(node.control().readiness().reasons().toString())
            .contains("waiting for the first comparison");
        assertThat(node.control().cluster().shards().getActive()).isEqualTo(config.raft().shards());
      }
    }
  }
}
