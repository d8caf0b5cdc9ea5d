package dev.marmot.node.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.marmot.node.Node;
import dev.marmot.node.NodeLauncher;
import dev.marmot.node.RunningNode;
import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.node.control.ControlPlane;
import dev.marmot.node.control.FakeControlPlane;
import dev.marmot.node.control.PaneServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What operators read after a mistake: what was not done, why, and what to do; with the exit code
 * that a script can act on. One node runs in this process; {@code $name} stands for an address or a
 * file of the test.
 */
@TestInstance(Lifecycle.PER_CLASS)
class WrongInputsTest {
  private static final String NODE = "run --node-id 1 --bind 127.0.0.1:$free ";
  private static final String RUN = NODE + "--bind-pane localhost:$other --db-path ";
  private static final String BEGIN = RUN + "$dir/new.db ";
  private static final Pattern RAW =
      Pattern.compile("Exception|UNKNOWN|INTERNAL|CANCELLED|null|marmot: /\\S+$");

  @TempDir private static Path directory;

  private final Map<String, String> names = new HashMap<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  static Stream<Wrong> inputs() {
    return Stream.of(usage(), panes(), requests(), files(), options(), starts()).flatMap(s -> s);
  }

  /** A mistake. */
  record Wrong(String line, int code, String message) {}

  private static Wrong wrong(String line, int code, String message) {
    return new Wrong(line, code, message);
  }

  private static Stream<Wrong> usage() {
    return Stream.of(
        wrong("", 2, "a command is missing"),
        wrong("statu", 2, "did you mean .*status"),
        wrong("status --pain localhost:1", 2, "Unknown option.*--pain"),
        wrong("status now", 2, "Unmatched argument.*'now'"),
        wrong("move --shard 1", 2, "Missing required option.*--to"),
        wrong("move --to 1", 2, "Missing required option.*--shard"),
        wrong(
            "move --shard first --to 1",
            2,
            "shard: must be shards or ranges of them.*\\(got first\\)"),
        wrong("move --shard 1 --to 0", 2, "to: must be a whole number from 1 \\(got 0\\)"),
        wrong("shards get 1", 2, "cannot do `shards get 1`: only .*`shards set N` are known"),
        wrong("shards set", 2, "cannot do `shards set`"),
        wrong("shards set 0", 2, "shards set: must be a whole number from 1 \\(got 0\\)"),
        wrong("shards set many", 2, "shards set: must be a whole number from 1 \\(got many\\)"),
        wrong("drain --node last", 2, "node: must be a whole number from 1 \\(got last\\)"),
        wrong("remove", 2, "Missing required option.*--node"),
        wrong("join", 2, "Missing required option.*--to"),
        wrong("barrier --timeout soon", 2, "timeout: .*\\(got soon\\)"),
        wrong("verify --wait never", 2, "wait: .*\\(got never\\)"),
        wrong("conflicts --limit x", 2, "--limit.*x"),
        wrong("conflicts --limit=-1", 2, "limit: must not be negative \\(got -1\\)"),
        wrong("snapshot", 2, "save, inspect or restore is missing"),
        wrong("snapshot save", 2, "Missing required parameter.*FILE"),
        wrong("snapshot restore a", 2, "to: must be the database to make"));
  }

  private static Stream<Wrong> panes() {
    return Stream.of(
        wrong("status --pane nonsense", 2, "pane: needs a port, as in host:port \\(got nonsense"),
        wrong("status --pane :6010", 2, "pane: needs a host before the colon"),
        wrong("status --pane h:0", 2, "pane: needs a port from 1 to 65535 \\(got h:0\\)"),
        wrong("status --pane h:66000", 2, "pane: needs a port from 1 to 65535"),
        wrong("status --pane ::1:6010", 2, "pane: needs brackets around an IPv6 address"),
        wrong("status --pane a:1,b:2", 2, "pane: must be one host:port \\(got a:1,b:2\\)"),
        wrong(
            "status --pane localhost:$down",
            3,
            "cannot reach a node at localhost:$down: nobody takes connections there; is the node"),
        wrong("status --pane [::1]:$down", 3, "cannot reach a node at \\[::1\\]:$down: nobody"),
        wrong(
            "status --pane no-such-host.invalid:6010",
            3,
            "cannot reach .*: the host name no-such-host.invalid does not resolve .*; correct it"),
        wrong(
            "status --pane localhost:$http",
            2,
            "what answers there is not a control pane of Marmot; give --pane the bind-pane"),
        wrong("move --shard 1 --to 1 --pane localhost:$http", 2, "not a control pane of Marmot"),
        wrong("status --pane localhost:$ssh", 2, "not a control pane of Marmot"),
        wrong("status --pane 127.0.0.1:$raft", 2, "not its bind \\(the raft port\\)"),
        wrong("drain --pane 127.0.0.1:$raft", 2, "not its bind \\(the raft port\\)"));
  }

  private static Stream<Wrong> requests() {
    return Stream.of(
        wrong("move --shard 99 --to 1 --pane $pane", 2, "no shard 99; there are 1 to 1, and 0 for"),
        wrong("move --shard 1 --to 9 --pane $pane", 2, "not a member; members are n1"),
        wrong("drain --pane $pane", 2, "cannot drain node 1: it is the only member"),
        wrong("drain --node 4 --pane $pane", 2, "cannot drain node 4: it is not a member"),
        wrong("remove --node 1 --pane $pane", 2, "it is the one that was asked; ask another"),
        wrong("remove --node 7 --pane $pane", 2, "cannot remove node 7: it is not a member"),
        wrong("shards set 2000 --pane $pane", 2, "must be between 1 and 1024"),
        wrong("barrier --timeout 2h --pane $pane", 2, "timeout: must be at most 1h"),
        wrong("verify --wait 30m --pane $pane", 2, "wait: must be at most 20m"),
        wrong("join --to localhost:1 --pane $pane", 2, "cannot join through .*\\(run --follow\\)"),
        wrong("snapshot save $dir/none/s --pane $pane", 2, "in a directory that is there"),
        wrong("snapshot save $dir/plain --pane $pane", 2, "there is a file; give another path"),
        wrong("snapshot save $dir/plain --replace --pane $pane", 2, "is no saved snapshot"));
  }

  private static Stream<Wrong> files() {
    return Stream.of(
        wrong("snapshot inspect $dir/none", 1, "there is no such file; check the path"),
        wrong(
            "snapshot inspect $dir/plain",
            1,
            "cannot open the snapshot .*: .*is not a database.*; fetch or make it again"),
        wrong("snapshot restore $dir/none --to $dir/x", 1, "there is no such file; check the path"),
        wrong("doctor", 2, "db-path: must be an existing SQLite file \\(got nothing\\)"),
        wrong("doctor $dir/none.db", 2, "db-path: must be an existing SQLite file \\(got .*none"),
        wrong("doctor $dir", 2, "db-path: must be an existing SQLite file"),
        wrong("cleanup --db-path $dir/none.db", 2, "db-path: must be an existing SQLite file"),
        wrong("recover --db-path $dir/plain", 2, "--force-new-cluster"),
        wrong(
            "recover --force-new-cluster --db-path $dir/plain", 2, "raft-path: must hold the dir"),
        wrong("demo --once --dir $dir", 1, "it is not empty"),
        wrong("demo --once --dir $dir/plain/x", 1, "cannot .*plain.*: .*; check the path"));
  }

  private static Stream<Wrong> options() {
    return Stream.of(
        wrong("run", 2, "db-path: is required: the SQLite file to replicate"),
        wrong("run --db-path a.db", 2, "node-id: is required: a whole number from 1"),
        wrong("-db-pth a.db", 2, "--db-pth.*did you mean --db-path"),
        wrong("run --node-id 0", 2, "node-id: must be a whole number from 1"),
        wrong("run --node-id one", 2, "node-id: must be a whole number .*\\(got one\\)"),
        wrong(RUN + "$dir", 2, "db-path: must be a file, not a directory"),
        wrong(BEGIN + "--bootstrap 1@a:1;2@b:2", 2, "bootstrap: needs commas between the nodes"),
        wrong(BEGIN + "--bootstrap 1@a:1|2@b:2", 2, "bootstrap: needs commas between the nodes"),
        wrong(BEGIN + "--bootstrap a:1,b:2", 2, "bootstrap: must be id@host:port"),
        wrong(BEGIN + "--bootstrap 1@a:1,1@b:2", 2, "bootstrap: names node 1 twice"),
        wrong(BEGIN + "--bootstrap 1@a:1,2@a:1", 2, "bootstrap: names address a:1 twice"),
        wrong(BEGIN + "--bootstrap 1@a,2@b", 2, "bootstrap: needs a port, as in host:port"),
        wrong(BEGIN + "--bootstrap x@a:1", 2, "bootstrap: node id must be a whole number"),
        wrong(BEGIN + "--bootstrap 1@0.0.0.0:1", 2, "must be an address that the other nodes can"),
        wrong(BEGIN + "--bootstrap 1@::1:8", 2, "bootstrap: needs brackets around an IPv6 address"),
        wrong(BEGIN + "--bootstrap 1@a:1 --join b:1", 2, "join: must not be given with bootstrap"),
        wrong(BEGIN + "--follow --join b:1", 2, "follow: must not be given with bootstrap or join"),
        wrong(BEGIN + "--join a:1,b:2", 2, "join: must be one host:port \\(got a:1,b:2\\)"),
        wrong(BEGIN + "--join b:1 --seed-from 2", 2, "seed-from: is for a new cluster"),
        wrong(BEGIN + "--seed-from 2", 2, "seed-from: must be a node in bootstrap"),
        wrong(BEGIN + "--advertise 0.0.0.0:1", 2, "advertise: must be an address that the other"),
        wrong(BEGIN + "--bind-pane localhost", 2, "bind-pane"),
        wrong(BEGIN + "--shards 0", 2, "shards: must be a whole number from 1 to 1024"),
        wrong(BEGIN + "--shards 5000", 2, "shards: must be a whole number from 1 to 1024"),
        wrong(BEGIN + "--max-log-entries 1", 2, "max-log-entries: must be a whole number from 16"),
        wrong(BEGIN + "--inline-limit=-1", 2, "inline-limit: must be a whole number from 0"),
        wrong(BEGIN + "--cluster my/cluster", 2, "cluster: must be 1 to 63 letters"),
        wrong(BEGIN + "--exclude a,,b", 2, "exclude: must be names or patterns"),
        wrong(BEGIN + "--follow=maybe", 2, "follow: must be true or false \\(got maybe\\)"),
        wrong(BEGIN + "--raft-path=", 2, "raft-path: must not be empty"));
  }

  private static Stream<Wrong> starts() {
    String file = RUN + "$dir/a.db --raft-path $dir/r$free ";
    return Stream.of(
        wrong(
            RUN + "$dir/none.db --raft-path $dir/r1",
            1,
            "cannot open .*/none.db: there is no such file; let the application create it, or"),
        wrong(RUN + "$dir/plain --raft-path $dir/r2", 1, "it is not a SQLite database, or it is"),
        wrong(
            RUN + "$dir/a.db --raft-path $dir/plain",
            1,
            "cannot use directory .*/plain/node-1 \\(from raft-path\\): .*; check the path"),
        wrong(
            RUN + "$dir/a.db --raft-path $dir/plain/below",
            1,
            "cannot use directory .* \\(from raft-path\\): .*: Not a directory; check the path"),
        wrong(RUN + "$dir/a.db --raft-path $dir/raft", 1, "another process uses it; stop that"),
        wrong(
            "run --node-id 1 --db-path $dir/b1.db --bind 192.0.2.7:$free",
            1,
            "cannot listen on 192.0.2.7 port $free: 192.0.2.7 is not an address of this machine"),
        wrong(
            "run --node-id 1 --db-path $dir/b2.db --bind no-such-host.invalid:$free",
            1,
            "cannot listen on .*: the host name no-such-host.invalid does not resolve .*bind an"
                + " IP"),
        wrong(
            "run --node-id 1 --db-path $dir/b3.db --bind 127.0.0.1:$raft",
            1,
            "cannot listen on 127.0.0.1 port $raft: another process uses the port; end it, or"
                + " give"),
        wrong(
            file + "--advertise 192.0.2.7:8610 --join no-such-host.invalid:8610",
            1,
            "cannot join through .*: the host name no-such-host.invalid does not resolve"),
        wrong(
            file + "--join 127.0.0.1:$down",
            1,
            "cannot join through .*: nobody listens on port $down .*; give the raft address"),
        wrong(file + "--join $pane", 1, "cannot join .* there is not the raft port of a node;"),
        wrong(file + "--join 127.0.0.1:$http", 1, "cannot join .* the raft port of a node"),
        wrong(file + "--join 127.0.0.1:$ssh", 1, "cannot join .* the raft port of a node"),
        wrong(
            NODE + "--db-path $dir/fake.db --bind-pane 192.0.2.7:$other",
            1,
            "cannot bind the control pane to .*: 192.0.2.7 is not an address of this machine; give"
                + " bind-pane"),
        wrong(
            NODE + "--db-path $dir/fake.db --bind-pane no-such-host.invalid:$other",
            1,
            "cannot bind the control pane to .*: the host name no-such-host.invalid does not"),
        wrong(
            NODE + "--db-path $dir/fake.db --bind-pane localhost:$http",
            1,
            "cannot bind the control pane to .*: another process uses the port; end it, or give"));
  }

  @BeforeAll
  void open() throws Exception {
    Files.writeString(directory.resolve("plain"), "no database, but longer than its header\n");
    for (String name : List.of("node.db", "a.db", "b1.db", "b2.db", "b3.db", "fake.db")) {
      Files.createFile(directory.resolve(name));
    }
    names.put("dir", directory.toString());
    for (String name : List.of("down", "free", "other", "raft")) {
      names.put(name, Integer.toString(freePort()));
    }
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    HttpServer http = HttpServer.create(any, 0);
    http.createContext("/", exchange -> exchange.sendResponseHeaders(404, -1));
    http.start();
    open.push(() -> http.stop(0));
    names.put("http", Integer.toString(http.getAddress().getPort()));
    names.put("ssh", Integer.toString(foreign()));
    Path database = directory.resolve("node.db");
    RunningNode node =
        Node.start(
            NodeConfigLoader.load(
                Map.of(
                    "db-path",
                    database.toString(),
                    "node-id",
                    "1",
                    "shards",
                    "1",
                    "raft-path",
                    directory.resolve("raft").toString(),
                    "bind",
                    fill("127.0.0.1:$raft")),
                Map.of()),
            progress -> {});
    open.push(node);
    Address pane = new Address("localhost", freePort());
    open.push(PaneServer.open("n1", new PaneConfig(pane, AuthKey.NONE), node.control()));
    names.put("pane", pane.toString());
  }

  /** Greets like something that is neither HTTP nor Marmot. */
  private int foreign() throws IOException {
    ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread thread =
        new Thread(
            () -> {
              while (!server.isClosed()) {
                greet(server);
              }
            },
            "foreign");
    thread.setDaemon(true);
    thread.start();
    open.push(server);
    return server.getLocalPort();
  }

  private static void greet(ServerSocket server) {
    try (Socket caller = server.accept()) {
      caller
          .getOutputStream()
          .write("SSH-2.0-Other_1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      var unused = caller.getInputStream().read();
    } catch (IOException e) {
      // The caller, or the end of the test, closed it: the next one is served, if there is one.
      Thread.onSpinWait();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @AfterAll
  void close() throws Exception {
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  private String fill(String text) {
    String filled = text;
    for (Map.Entry<String, String> name : names.entrySet()) {
      filled = filled.replace("$" + name.getKey(), name.getValue());
    }
    return filled;
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void wrongInput_isExplained(Wrong wrong) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    NodeLauncher launcher =
        (config, progress) ->
            config.database().endsWith("fake.db")
                ? new EndedNode(new FakeControlPlane())
                : Node.start(config, progress);
    Environment environment =
        new Environment(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            Map.of(),
            launcher,
            Node::cleanup);
    String line = fill(wrong.line());

    int code = Main.run(environment, line.isEmpty() ? new String[0] : line.strip().split(" +"));

    assertThat(err.toString()).containsPattern(fill(wrong.message()));
    assertThat(code).as(err.toString()).isEqualTo(wrong.code());
    assertThat(err.toString().lines())
        .allMatch(text -> text.startsWith("marmot: ") || text.startsWith("Try: "))
        .noneMatch(text -> RAW.matcher(text).find());
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void thereAreSixtyAtLeast() {
    assertThat(inputs()).hasSizeGreaterThan(60).doesNotHaveDuplicates();
  }

  /** A node that ends by itself at once. */
  private record EndedNode(ControlPlane control) implements RunningNode {
    @Override
    public void awaitTermination() {}

    @Override
    public void close() {}
  }
}
