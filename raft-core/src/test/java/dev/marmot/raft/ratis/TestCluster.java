package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RaftOptions;
import dev.marmot.raft.Retention;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.ratis.protocol.RaftPeer;

/** Nodes in this JVM with real logs on disk, on loopback. Confined to the test thread. */
final class TestCluster implements AutoCloseable {
  static final Duration PROPOSAL_LIMIT = Duration.ofSeconds(5);
  static final Duration STUCK_LIMIT = Duration.ofSeconds(1);
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private volatile String name = "test";
  private final Path directory;
  private final int shards;
  private final String host;
  private final Map<NodeId, String> directories = new ConcurrentHashMap<>();
  private final List<Member> members = new ArrayList<>();
  private final Map<NodeId, RatisNode> nodes = new TreeMap<>();
  private final Map<NodeId, Recorder> recorders = new ConcurrentHashMap<>();
  private Retention retention = Retention.DEFAULT;
  final List<Throwable> failures = new CopyOnWriteArrayList<>();

  /** An entry that a listener got. */
  record Seen(LogPosition position, String text) {}

  /** Writes down what is handed over. */
  record Recorder(
      Map<LogId, List<Seen>> seen,
      Map<LogId, List<Floor>> skips,
      Map<LogId, List<Floor>> asked,
      CompletableFuture<Boolean> caughtUp)
      implements OrderedLogs.Listener {
    Recorder() {
      this(
          new ConcurrentHashMap<>(),
          new ConcurrentHashMap<>(),
          new ConcurrentHashMap<>(),
          new CompletableFuture<>());
    }

    @Override
    public void committed(LogId log, LogPosition position, ByteString entry) {
      String text = entry.size() > 100 ? "large" : entry.toStringUtf8();
      if (text.equals("poison")) {
        throw new IllegalStateException("poisoned");
      }
      seen.computeIfAbsent(log, none -> new CopyOnWriteArrayList<>()).add(new Seen(position, text));
    }

    @Override
    public CompletionStage<Floor> behind(LogId log, Floor floor) {
      asked.computeIfAbsent(log, none -> new CopyOnWriteArrayList<>()).add(floor);
      return caughtUp.thenApply(ahead -> ahead ? floor.beforeState() : floor);
    }

    @Override
    public void skipped(LogId log, Floor floor) {
      skips.computeIfAbsent(log, none -> new CopyOnWriteArrayList<>()).add(floor);
    }
  }

  /** A listener whose records nobody reads. */
  static OrderedLogs.Listener recorder() {
    return new Recorder();
  }

  TestCluster(Path directory, int shards) throws IOException {
    this(directory, shards, "127.0.0.1");
  }

  TestCluster(Path directory, int shards, String host) throws IOException {
    this(directory, shards, host, 3);
  }

  TestCluster(Path directory, int shards, String host, int founders) throws IOException {
    this.directory = directory;
    this.shards = shards;
    this.host = host;
    for (int port : freePorts(founders, host)) {
      members.add(new Member(new NodeId(members.size() + 1), host, port));
    }
  }

  static List<Integer> freePorts(int count, String host) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    List<Integer> ports = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket();
        socket.bind(new InetSocketAddress(host, 0));
        sockets.add(socket);
        ports.add(socket.getLocalPort());
      }
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
    return ports;
  }

  /** Nodes that start from now on belong to another cluster. */
  void rename(String other) {
    name = other;
  }

  /** A node has another directory at its next start. */
  void directoryOf(int id, String other) {
    directories.put(new NodeId(id), other);
  }

  /** A node has another address at its next start. */
  void move(int id) throws IOException {
    members.set(id - 1, new Member(new NodeId(id), host, freePorts(1, host).get(0)));
  }

  RaftOptions options(int id) {
    Member self = members.get(id - 1);
    PeerHandler echo =
        request ->
            CompletableFuture.completedFuture(
                ByteString.copyFromUtf8(self.id() + " got ").concat(request));
    PeerHandler silence = request -> new CompletableFuture<>();
    return new RaftOptions(
        name,
        self.id(),
        members,
        host,
        self.port(),
        directory.resolve(directories.getOrDefault(self.id(), self.id().toString())),
        shards,
        Map.of("echo", echo, "silence", silence),
        retention,
        false);
  }

  void start(int... ids) throws IOException {
    for (int id : ids) {
      start(options(id));
    }
  }

  /** Starts a node that waits to be added, knowing only whom is given and where it is reached. */
  void startJoining(int id, int seed) throws IOException {
    if (members.size() < id) {
      members.add(new Member(new NodeId(id), host, freePorts(1, host).get(0)));
    }
    RaftOptions all = options(id);
    RaftOptions some =
        new RaftOptions(
            all.cluster(),
            all.self(),
            List.of(member(id), member(seed)),
            all.bindHost(),
            all.bindPort(),
            all.directory(),
            all.shards(),
            all.handlers(),
            all.retention(),
            true);
    start(some);
  }

  /** A node that knows only itself, at a port of its own. */
  RaftOptions alone(int id, int port) {
    RaftOptions all = options(id);
    return new RaftOptions(
        all.cluster(),
        all.self(),
        List.of(new Member(all.self(), host, port)),
        all.bindHost(),
        port,
        all.directory(),
        all.shards(),
        all.handlers(),
        all.retention(),
        false);
  }

  /** Where Raft of a node believes to reach the members of a log. */
  List<String> addresses(int id, LogId log) {
    return ratisNode(id).copies().division(log).orElseThrow().getRaftConf().getAllPeers().stream()
        .map(RaftPeer::getAddress)
        .toList();
  }

  void start(RaftOptions options) throws IOException {
    Recorder recorder = new Recorder();
    recorders.put(options.self(), recorder);
    RatisNode node =
        new RatisNode(
            options,
            recorder,
            failure -> failures.add(failure),
            new RatisNode.Limits(PROPOSAL_LIMIT, STUCK_LIMIT));
    node.start();
    nodes.put(options.self(), node);
  }

  /** The directory of a node is lost. */
  void lose(int id) throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("n" + id))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** A newcomer that died on its way keeps a log's leader busy for {@code stagingTimeout}, 60 s. */
  void join(int at, int id) {
    node(at).add(member(id), true).toCompletableFuture().orTimeout(100, TimeUnit.SECONDS).join();
  }

  void stop(int id) {
    node(id).close();
    nodes.remove(new NodeId(id));
  }

  RaftNode node(int id) {
    return ratisNode(id);
  }

  RatisNode ratisNode(int id) {
    RatisNode node = nodes.get(new NodeId(id));
    if (node == null) {
      throw new IllegalStateException("n" + id + " is not running");
    }
    return node;
  }

  /** All founders in the words of Ratis. */
  List<RaftPeer> peers() {
    return members.stream().map(LogGroups::founder).toList();
  }

  Member member(int id) {
    return members.get(id - 1);
  }

  List<Seen> seen(int id, LogId log) {
    return List.copyOf(recorder(id).seen().getOrDefault(log, List.of()));
  }

  Recorder recorder(int id) {
    return recorders.computeIfAbsent(new NodeId(id), none -> new Recorder());
  }

  /** For nodes that start from now on. */
  void retain(long entries, long bytes) {
    retention = new Retention(entries, bytes);
  }

  /** Waits until all running nodes agree on a running leader of each log. */
  void awaitLeaders() {
    await()
        .atMost(PATIENCE)
        .pollInterval(10, TimeUnit.MILLISECONDS)
        .until(
            () -> {
              List<Map<LogId, NodeId>> views = new ArrayList<>();
              nodes.values().forEach(node -> views.add(leaders(node)));
              return views.stream().distinct().count() == 1
                  && views.get(0).size() >= shards + 1
                  && nodes.keySet().containsAll(views.get(0).values());
            });
  }

  /** Waits until the balancer has done its work: leaders stay from now on. */
  void awaitSettled() {
    await()
        .atMost(PATIENCE)
        .until(() -> nodes.values().stream().anyMatch(RatisNode::leadersSettled));
    awaitLeaders();
  }

  static Map<LogId, NodeId> leaders(RaftNode node) {
    Map<LogId, NodeId> leaders = new TreeMap<>();
    for (LogStatus status : node.status()) {
      status.leader().ifPresent(leader -> leaders.put(status.log(), leader));
    }
    return leaders;
  }

  int leader(LogId log) {
    awaitLeaders();
    NodeId leader = leaders(nodes.values().iterator().next()).get(log);
    if (leader == null) {
      throw new AssertionError(log + " lost its leader");
    }
    return leader.value();
  }

  /** A running node that does not lead the log. */
  int follower(LogId log) {
    int leader = leader(log);
    return nodes.keySet().stream()
        .map(NodeId::value)
        .filter(id -> id != leader)
        .findFirst()
        .orElseThrow();
  }

  LogPosition propose(int id, LogId log, String text) {
    return node(id).propose(log, ByteString.copyFromUtf8(text)).toCompletableFuture().join();
  }

  void awaitSeen(int id, LogId log, String... texts) {
    await()
        .atMost(PATIENCE)
        .pollInterval(10, TimeUnit.MILLISECONDS)
        .untilAsserted(
            () -> assertThat(seen(id, log)).extracting(Seen::text).containsExactly(texts));
  }

  @Override
  public void close() {
    nodes.values().forEach(RaftNode::close);
    nodes.clear();
  }
}
