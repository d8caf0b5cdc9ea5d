package dev.marmot.node.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.NodeLauncher;
import dev.marmot.node.RunningNode;
import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.control.FakeControlPlane;
import dev.marmot.node.control.PaneServer;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RemovedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MainTest {
  @TempDir private Path directory;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final List<NodeConfig> started = new ArrayList<>();
  private final List<Path> cleaned = new ArrayList<>();
  private final FakeControlPlane plane = new FakeControlPlane();
  private NodeLauncher launcher =
      (config, progress) -> {
        started.add(config);
        return new EndedNode(plane);
      };

  private int marmot(String... arguments) {
    Environment environment =
        new Environment(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            Map.of(),
            launcher,
            cleaned::add);
    return Main.run(environment, arguments);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void run_optionsWithOneDashOrTwoAndWithoutTheWord_areTheSame() throws IOException {
    String pane = "localhost:" + freePort();
    String[][] ways = {
      {"run", "--db-path", "a.db", "--node-id", "1", "--bind-pane", pane, "--follow=false"},
      {"--db-path=a.db", "--node-id=1", "--bind-pane=" + pane},
      {"-db-path", "a.db", "-node-id=1", "-bind-pane", pane, "-verbose=false"},
      {"run", "-db-path=a.db", "-node-id", "1", "-bind-pane=" + pane, "-follow=false"},
      {"run", "a.db", "-node-id", "1", "-bind-pane=" + pane},
      {"--verbose", "--node-id=1", "--bind-pane=" + pane, "--follow", "false", "a.db"},
      {"-verbose", "false", "-node-id=1", "-bind-pane=" + pane, "a.db", "-db-path", "./a.db"},
    };

    for (String[] way : ways) {
      assertThat(marmot(way)).as(String.join(" ", way)).isZero();
    }

    assertThat(started).hasSize(ways.length);
    assertThat(started.stream().map(NodeConfig::toString).distinct()).hasSize(1);
  }

  @Test
  void run_withFaults_reportsAllAndStartsNothing() {
    assertThat(marmot("-shards", "many", "-node-id", "0")).isEqualTo(2);

    assertThat(started).isEmpty();
    assertThat(err.toString().lines())
        .hasSize(3)
        .allMatch(line -> line.startsWith("marmot: "))
        .anyMatch(line -> line.contains("shards: must be a whole number"))
        .anyMatch(line -> line.contains("node-id: must be"))
        .anyMatch(line -> line.contains("db-path: is required"));
  }

  @Test
  void run_withTheWordsOfMarmot03_startsWithAWarning() throws IOException {
    assertThat(
            marmot(
                "-bootstrap", "2@127.0.0.1:8162",
                "-bind", "127.0.0.1:8161",
                "-bind-pane", "localhost:" + freePort(),
                "-node-id", "1",
                "-replicate", "news,history",
                "-db-path", "/tmp/cache-1.db"))
        .isZero();
    assertThat(started)
        .singleElement()
        .satisfies(
            config -> {
              assertThat(config.raft().members()).hasSize(2);
              assertThat(config.notes()).singleElement().asString().contains("--exclude");
            });
  }

  @Test
  void run_flagBeforeTheFile_doesNotTakeItForItsValue() throws IOException {
    String pane = "--bind-pane=localhost:" + freePort();
    assertThat(marmot("run", "--node-id=1", pane, "--adopt", "a.db")).isZero();
    assertThat(started.get(0).raft().adopt()).isTrue();
    assertThat(marmot("run", "--node-id=1", pane, "--adopt=maybe", "a.db")).isEqualTo(2);
    assertThat(err.toString()).contains("adopt: must be true or false (got maybe)");
  }

  @Test
  void twoDifferentFiles_areWrongUsage() throws IOException {
    String one = Files.createFile(directory.resolve("one.db")).toString();
    String two = Files.createFile(directory.resolve("two.db")).toString();
    List<List<String>> commands =
        List.of(
            List.of("run", "--node-id=1"),
            List.of("cleanup"),
            List.of("doctor"),
            List.of("recover", "--force-new-cluster"),
            List.of("snapshot", "restore", "any.snapshot"));
    for (List<String> command : commands) {
      List<String> words = new ArrayList<>(command);
      words.addAll(List.of("--db-path", one, two));
      err.getBuffer().setLength(0);
      assertThat(marmot(words.toArray(String[]::new))).as("%s", command).isEqualTo(2);
      assertThat(err.toString()).contains("is given twice, as " + one + " and as " + two);
    }
  }

  @Test
  void pane_mayComeBeforeTheCommand() throws IOException {
    Address address = new Address("localhost", freePort());
    String pane = address.toString();
    try (PaneServer server = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(server.port()).isPositive();
      assertThat(marmot("--pane", pane, "status")).isZero();
      assertThat(marmot("-pane=" + pane, "-verbose", "barrier")).isZero();
      assertThat(marmot("--verbose", "shards", "set", "20", "--pane", pane)).isZero();
      assertThat(marmot("--pane", pane, "status", "--pane", pane)).isZero();
      assertThat(marmot("--pane", pane, "status", "--pane", "localhost:1")).isEqualTo(2);
      assertThat(err.toString()).contains("pane: is given twice, as " + pane);
      assertThat(marmot("--pane", pane, "statu")).isEqualTo(2);
      assertThat(err.toString()).contains("did you mean");
    }
    assertThat(marmot("--pane", "nonsense", "status")).isEqualTo(2);
    assertThat(marmot("--pane")).isEqualTo(2);
    assertThat(marmot("--verbose", "--help")).isZero();
    assertThat(out.toString()).contains("Exit codes:");
  }

  @Test
  void unknownOption_isNamedWithASuggestion() {
    assertThat(marmot("-db-pth", "a.db")).isEqualTo(2);

    assertThat(err.toString()).contains("--db-pth").contains("did you mean --db-path");
  }

  @Test
  void unknownCommand_orNone_isWrongUsage() {
    assertThat(marmot("statu")).isEqualTo(2);
    assertThat(err.toString()).contains("statu").contains("did you mean");
    assertThat(marmot()).isEqualTo(2);
  }

  @Test
  void help_andVersion_areFine() {
    assertThat(marmot("--help")).isZero();
    assertThat(out.toString()).contains("Exit codes:").contains("barrier");
    assertThat(marmot("help", "run")).isZero();
    assertThat(out.toString()).contains("--bootstrap");
    assertThat(marmot("-V")).isZero();
    assertThat(out.toString()).contains("marmot development");
  }

  @Test
  void status_showsTheNode() throws IOException {
    Address address = new Address("localhost", freePort());
    try (PaneServer pane = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(pane.port()).isEqualTo(address.port());
      assertThat(marmot("status", "-pane", address.toString())).isZero();
      assertThat(out.toString()).contains("node n1").contains("order log").contains("n2");

      assertThat(marmot("status", "--json", "--pane=" + address)).isZero();
      assertThat(out.toString()).contains("\"state\" : \"REPLICATING\"");

      assertThat(marmot("barrier", "--pane", address.toString(), "-timeout", "1s")).isZero();
      assertThat(out.toString()).contains("passed at position 12");
    }
  }

  @Test
  void shards_areATableOrAList() throws IOException {
    Address address = new Address("localhost", freePort());
    String pane = address.toString();
    try (PaneServer server = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(server.port()).isPositive();
      assertThat(marmot("shards", "--pane", pane)).isZero();
      assertThat(out.toString().lines()).hasSize(4);
      assertThat(out.toString())
          .contains("order  n3")
          .contains("n1,n2")
          .contains("none")
          .contains("retired");

      out.getBuffer().setLength(0);
      assertThat(marmot("shards", "--json", "--pane", pane)).isZero();
      assertThat(out.toString()).startsWith("[").contains("\"shard\" : 1", "\"leader\" : 2");
      assertThat(out.toString()).doesNotContain("\"shard\" : 0");

      assertThat(marmot("shards", "--pane", pane, "set", "20")).isZero();
      assertThat(marmot("shards", "set", "0", "--pane", pane)).isEqualTo(2);
      assertThat(marmot("shards", "set", "--pane", pane)).isEqualTo(2);
      assertThat(marmot("shards", "get", "20", "--pane", pane)).isEqualTo(2);
      assertThat(plane.cluster.asked).containsExactly("set 20");
    }
  }

  @Test
  void leadersAndMembers_areChangedAsAsked() throws IOException {
    Address address = new Address("localhost", freePort());
    String pane = address.toString();
    try (PaneServer server = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(server.port()).isPositive();
      assertThat(marmot("move", "--shard", "order,3", "--to", "n2", "--pane", pane)).isZero();
      assertThat(out.toString()).contains("n2 leads the order log, shard 3");
      assertThat(marmot("drain", "--pane", pane)).isZero();
      assertThat(out.toString()).contains("n1 leads nothing");
      assertThat(marmot("drain", "--node=2", "--pane", pane)).isZero();
      assertThat(marmot("rebalance", "--pane", pane)).isZero();
      assertThat(marmot("remove", "--node", "3", "--pane", pane)).isZero();
      assertThat(out.toString()).contains("n3 is no member any more").doesNotContain("only in its");
      plane.cluster.flushed = false;
      assertThat(marmot("remove", "-node=3", "--force", "--pane", pane)).isZero();
      assertThat(out.toString()).contains("what it had not sent is only in its file");
      assertThat(plane.cluster.asked)
          .containsExactly(
              "move [0, 3] to 2",
              "drain 0",
              "drain 2",
              "rebalance",
              "remove 3",
              "remove 3 by force");

      assertThat(marmot("move", "--shard", "1-3,5", "-shard=2-2,0", "--to", "2", "--pane", pane))
          .isZero();
      assertThat(plane.cluster.asked.remove(6)).isEqualTo("move [1, 2, 3, 5, 0] to 2");
      for (String wrong : List.of("first", "1-", "3-1", "-1", "1,,2", "1-99999", "", "1-2-3")) {
        assertThat(marmot("move", "--shard=" + wrong, "--to", "2", "--pane", pane))
            .as(wrong)
            .isEqualTo(2);
      }
      assertThat(err.toString())
          .contains("shard: must be shards or ranges of them, as in 1-3,5, or order (got 1-)")
          .contains("shard: must not count backwards (got 3-1)")
          .contains("shard: must be at most 10000 (got 1-99999)");
      assertThat(marmot("move", "--shard", "1", "--pane", pane)).isEqualTo(2);
      assertThat(marmot("remove", "--pane", pane)).isEqualTo(2);
      assertThat(plane.cluster.asked).hasSize(6);
      plane.cluster.failure = new ControlException(Kind.INVALID, "n9 is not a member");
      assertThat(marmot("drain", "--node=9", "--pane", pane)).isEqualTo(2);
      assertThat(err.toString()).contains("marmot: n9 is not a member");
    }
  }

  /** A liveness probe must not kill a node that brings its database. */
  @Test
  void run_answersProbesWhileItStarts_andSaysWhatItDoes() throws IOException {
    String pane = "127.0.0.1:" + freePort();
    List<String> answers = new ArrayList<>();
    launcher =
        (config, progress) -> {
          progress.accept("brings the database from alpha:8610: 3 of 80 MiB");
          answers.add(get("http://" + pane + "/healthz"));
          answers.add(get("http://" + pane + "/readyz"));
          return new EndedNode(plane);
        };

    assertThat(marmot("run", "--db-path=a.db", "--node-id=3", "--bind-pane", pane)).isZero();
    assertThat(answers.get(0)).startsWith("200");
    assertThat(answers.get(1))
        .startsWith("503")
        .contains("this node is starting: brings the database from alpha:8610: 3 of 80 MiB");
  }

  private static String get(String uri) {
    try {
      HttpResponse<String> response =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create(uri)).build(),
                  HttpResponse.BodyHandlers.ofString());
      return response.statusCode() + " " + response.body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void run_ofARemovedNode_hasAnExitCodeOfItsOwn() {
    RemovedException removed = new RemovedException(new NodeId(3));
    launcher =
        (config, progress) -> {
          throw new IllegalStateException("cannot start: " + removed.getMessage(), removed);
        };

    assertThat(marmot("run", "--db-path", "a.db", "--node-id", "3")).isEqualTo(6);
    assertThat(err.toString())
        .startsWith("marmot: cannot start: n3 was removed from the cluster and cannot come back");
  }

  @Test
  void failures_haveDocumentedExitCodes() throws IOException {
    Address address = new Address("localhost", freePort());
    String pane = address.toString();
    assertThat(marmot("status", "--pane", pane)).isEqualTo(3);
    assertThat(err.toString().lines())
        .singleElement()
        .asString()
        .startsWith("marmot: cannot reach a node at " + pane);
    assertThat(marmot("status", "--pane", "nonsense")).isEqualTo(2);
    assertThat(marmot("barrier", "--timeout", "soon")).isEqualTo(2);

    try (PaneServer server = PaneServer.open("n1", new PaneConfig(address, AuthKey.NONE), plane)) {
      assertThat(server.port()).isPositive();
      assertThat(barrierThatFails(pane, Kind.TIMEOUT)).isEqualTo(3);
      assertThat(barrierThatFails(pane, Kind.UNAVAILABLE)).isEqualTo(3);
      assertThat(barrierThatFails(pane, Kind.UNKNOWN_OUTCOME)).isEqualTo(4);
      assertThat(barrierThatFails(pane, Kind.FAILED)).isEqualTo(1);
    }
  }

  /** Scripts read one shape, on standard error, whatever failed. */
  @Test
  void failures_withJson_areOneLineOfJson() throws IOException {
    String down = "localhost:" + freePort();
    for (String command :
        List.of("status", "shards", "held", "conflicts", "verify", "snapshot save x")) {
      List<String> words = new ArrayList<>(List.of(command.split(" ")));
      words.addAll(List.of("--json", "--pane", down));
      err.getBuffer().setLength(0);

      assertThat(marmot(words.toArray(String[]::new))).as(command).isEqualTo(3);

      assertThat(err.toString().lines())
          .singleElement()
          .asString()
          .startsWith(
              "{\"error\":{\"code\":3,\"kind\":\"UNAVAILABLE\",\"message\":\"cannot reach a node at"
                  + " "
                  + down);
    }
    err.getBuffer().setLength(0);
    assertThat(marmot("doctor", "--json", directory.resolve("none").toString())).isEqualTo(2);
    assertThat(marmot("status", "-json", "--pain", down)).isEqualTo(2);
    assertThat(err.toString().lines())
        .hasSize(2)
        .allMatch(line -> line.startsWith("{\"error\":{\"code\":2,\"kind\":\"USAGE\","));
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void failuresWithoutReason_areExplained() {
    assertThat(Failure.of("marmot demo", new AccessDeniedException("/data/x")))
        .isEqualTo(
            new Failure(
                ExitCode.FAILED,
                "cannot do `marmot demo`: /data/x: permission denied; give this user the right to"
                    + " read and write there, or give another path"));
    assertThat(
            Failure.of("marmot demo", new UncheckedIOException(new NoSuchFileException("/data/x")))
                .message())
        .isEqualTo("cannot do `marmot demo`: /data/x: no such file or directory; check the path");
    assertThat(Failure.of("marmot demo", new ArrayStoreException()).message())
        .contains("ArrayStoreException; this is an error in Marmot: report it");
    assertThat(Failure.of("x", new IllegalStateException("cannot y: z; do")).message())
        .isEqualTo("cannot y: z; do");
  }

  private int barrierThatFails(String pane, Kind kind) {
    plane.barrier = CompletableFuture.failedFuture(new ControlException(kind, "because"));
    return marmot("barrier", "--pane", pane);
  }

  @Test
  void cleanup_inBothWays_cleansTheFile() throws IOException {
    Path file = Files.createFile(directory.resolve("a.db"));

    assertThat(marmot("cleanup", "--db-path", file.toString())).isZero();
    assertThat(marmot("-cleanup", "-db-path", file.toString())).isZero();
    assertThat(marmot("cleanup", file.toString())).isZero();
    assertThat(marmot("-cleanup", file.toString())).isZero();

    assertThat(cleaned).containsExactly(file, file, file, file);
    assertThat(started).isEmpty();
    assertThat(marmot("cleanup", "--db-path", directory.resolve("none").toString())).isEqualTo(2);
  }

  @Test
  void recover_withoutANode_orWithoutSayingSo_isRefused() throws IOException {
    String file = Files.createFile(directory.resolve("a.db")).toString();

    assertThat(marmot("recover", "--db-path", file)).isEqualTo(2);
    assertThat(err.toString()).contains("--force-new-cluster");
    assertThat(marmot("recover", "--force-new-cluster", "--db-path", file)).isEqualTo(2);
    assertThat(err.toString()).contains("raft-path: must hold the directory of one node, it has 0");
    Files.createDirectories(directory.resolve("a.db-raft").resolve("node-1"));
    assertThat(marmot("recover", "--force-new-cluster", "--db-path", file)).isEqualTo(1);
    assertThat(err.toString()).contains("there is no node; give the raft-path of the survivor");
    Path other = Files.createDirectories(directory.resolve("a.db-raft").resolve("node-2"));
    Files.writeString(other.resolve("identity"), "damaged");
    assertThat(marmot("recover", "--force-new-cluster", "--db-path", file)).isEqualTo(1);
    assertThat(err.toString()).contains(other + "/identity: it is damaged");
  }

  @Test
  void demo_inADirectoryThatIsNotEmpty_isRefused() throws IOException {
    Files.createFile(directory.resolve("mine"));

    assertThat(marmot("demo", "--once", "--dir", directory.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("it is not empty");
  }

  /** A node that ends by itself at once. */
  private record EndedNode(ControlPlane control) implements RunningNode {
    @Override
    public void awaitTermination() {}

    @Override
    public void close() {}
  }
}
