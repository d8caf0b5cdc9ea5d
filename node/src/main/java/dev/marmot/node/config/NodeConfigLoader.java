package dev.marmot.node.config;

import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.config.NodeConfig.RaftConfig;
import dev.marmot.node.config.NodeConfig.ReplicationConfig;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Turns options into a {@link NodeConfig}, or says everything that is wrong. Immutable. */
public final class NodeConfigLoader {
  public static final Address DEFAULT_BIND = new Address("0.0.0.0", 8610);
  public static final Address DEFAULT_PANE = new Address("localhost", 6010);
  public static final String DEFAULT_CLUSTER = "marmot";
  public static final int DEFAULT_SHARDS = 16;
  public static final int DEFAULT_MAX_LOG_ENTRIES = 1024;
  public static final int DEFAULT_MAX_CHANGE_SET_ROWS = 20_000;
  public static final int DEFAULT_MAX_APPLY_MILLIS = 1_000;

  public static final int DEFAULT_MAX_ROW_BYTES = StoreOptions.DEFAULT_MAX_ROW_BYTES;

  private static final int LEAST_ROW_BYTES = 64 << 10;

  /** What one frame of rows may hold, with a margin. */
  private static final int MOST_ROW_BYTES = 128 << 20;

  private static final int MOST_SHARDS = 1024;
  private static final int MOST_INLINE_BYTES = 1 << 20;

  private final ConfigValues values;

  private NodeConfigLoader(ConfigValues values) {
    this.values = values;
  }

  /**
   * Checks and combines.
   *
   * @param options by name, without dashes, as texts; flags as {@code true} or {@code false}
   * @param environment of the process; {@code AUTH_KEY} is read
   * @throws InvalidConfigException with all faults
   */
  public static NodeConfig load(Map<String, String> options, Map<String, String> environment) {
    return new NodeConfigLoader(new ConfigValues(options)).load(environment);
  }

  private NodeConfig load(Map<String, String> environment) {
    Optional<NodeId> self = self();
    Optional<Path> database = database();
    String cluster = values.read("cluster", NodeConfigLoader::cluster).orElse(DEFAULT_CLUSTER);
    boolean follow = values.flag("follow", false);
    Optional<Address> join = values.read("join", Address::parse);
    boolean adopt = values.flag("adopt", false);
    boolean replace = replace(follow || join.isPresent());
    checkBeginning(follow, join);
    Optional<Address> givenBind = values.read("bind", Address::parse);
    Membership.Role role =
        follow || join.isPresent() ? Membership.Role.NEWCOMER : Membership.Role.FOUNDER;
    List<Member> members = new Membership(values).read(self, givenBind, role);
    checkJoin(self, members, join);
    Optional<NodeId> seedFrom = seedFrom(members, follow || join.isPresent());
    Address bind =
        givenBind.orElseGet(() -> defaultBind(self, members, follow || join.isPresent()));
    Address pane = values.read("bind-pane", Address::parse).orElse(DEFAULT_PANE);
    if (pane.port() == bind.port() && (pane.host().equals(bind.host()) || bind.isWildcard())) {
      values.fault("bind-pane", "must not use the port of bind, " + bind, pane.toString());
    }
    int shards = values.number("shards", DEFAULT_SHARDS, 1, MOST_SHARDS);
    int maxLogEntries =
        values.number("max-log-entries", DEFAULT_MAX_LOG_ENTRIES, 16, Integer.MAX_VALUE);
    ReplicationConfig replication = replication();
    values.flag("verbose", false);
    Optional<Path> raftPath = values.read("raft-path", NodeConfigLoader::path);
    AuthKey key = AuthKey.of(environment.getOrDefault("AUTH_KEY", ""));
    List<String> notes = notes(members, bind, pane, key);
    if (!values.faults().isEmpty() || self.isEmpty() || database.isEmpty()) {
      throw new InvalidConfigException(values.faults());
    }
    Path directory =
        raftPath
            .orElseGet(() -> besides(database.get()))
            .resolve("node-" + self.get().value())
            .toAbsolutePath()
            .normalize();
    return new NodeConfig(
        self.get(),
        cluster,
        database.get(),
        new RaftConfig(
            members,
            bind,
            directory,
            shards,
            maxLogEntries,
            follow,
            join,
            adopt,
            seedFrom,
            replace),
        new PaneConfig(pane, key),
        replication,
        notes);
  }

  /** A cluster is begun, joined, or waited for. */
  private void checkBeginning(boolean follow, Optional<Address> join) {
    if (join.isPresent() && values.given("bootstrap").isPresent()) {
      values.fault(
          "join", "must not be given with bootstrap: join or begin", join.get().toString());
    }
    if (follow && (join.isPresent() || values.given("bootstrap").isPresent())) {
      values.fault(
          "follow", "must not be given with bootstrap or join: it waits to be told", "true");
    }
  }

  /** A node that only its own machine reaches cannot join a cluster elsewhere. */
  private void checkJoin(Optional<NodeId> self, List<Member> members, Optional<Address> join) {
    Optional<Member> near =
        members.stream()
            .filter(member -> self.filter(member.id()::equals).isPresent())
            .filter(member -> Membership.address(member).isLoopback())
            .findFirst();
    if (near.isPresent() && join.filter(to -> !to.isLoopback()).isPresent()) {
      values.fault(
          "advertise",
          "must be an address of this node that the cluster at %s can reach, not %s"
              .formatted(join.get(), near.get().address()),
          values.given("advertise").orElse(""));
    }
  }

  private boolean replace(boolean joining) {
    boolean replace = values.flag("replace", false);
    if (replace && !joining) {
      values.fault("replace", "is for a node that joins: give join, too", "true");
    }
    return replace;
  }

  private Optional<NodeId> seedFrom(List<Member> members, boolean joining) {
    Optional<NodeId> seed =
        values
            .read("seed-from", text -> ConfigValues.number(text, 1, Integer.MAX_VALUE))
            .map(NodeId::new);
    if (seed.isPresent() && joining) {
      values.fault(
          "seed-from",
          "is for a new cluster, not for join: a node that joins takes its content",
          values.given("seed-from").orElse(""));
    } else if (seed.isPresent() && members.stream().noneMatch(m -> m.id().equals(seed.get()))) {
      values.fault(
          "seed-from", "must be a node in bootstrap", values.given("seed-from").orElse(""));
    }
    return seed;
  }

  /** The port that the others were told; on all addresses, unless they were told a loopback one. */
  private static Address defaultBind(Optional<NodeId> self, List<Member> members, boolean follow) {
    return members.stream()
        .filter(member -> !follow && self.filter(member.id()::equals).isPresent())
        .findFirst()
        .map(
            own ->
                own.host().matches("localhost|127\\..*|::1")
                    ? new Address(own.host(), own.port())
                    : new Address(DEFAULT_BIND.host(), own.port()))
        .orElse(DEFAULT_BIND);
  }

  /** The raft logs belong to one file, so by default they lie beside it. */
  private static Path besides(Path database) {
    return database.resolveSibling(database.getFileName() + "-raft");
  }

  private Optional<NodeId> self() {
    if (values.given("node-id").isEmpty()) {
      values.fault(
          "node-id", "is required: a whole number from 1, different on each node, for ever", "");
    }
    return values
        .read("node-id", text -> ConfigValues.number(text, 1, Integer.MAX_VALUE))
        .map(NodeId::new);
  }

  private Optional<Path> database() {
    if (values.given("db-path").isEmpty()) {
      values.fault("db-path", "is required: the SQLite file to replicate", "");
    }
    return values.read("db-path", NodeConfigLoader::databasePath);
  }

  private static Path databasePath(String text) {
    Path path = path(text).toAbsolutePath().normalize();
    if (path.getFileName() == null || Files.isDirectory(path)) {
      throw new IllegalArgumentException("must be a file, not a directory");
    }
    return path;
  }

  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("must not be empty");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("must be a path: " + e.getReason(), e);
    }
  }

  private static String cluster(String text) {
    if (!text.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")) {
      throw new IllegalArgumentException(
          "must be 1 to 63 letters, digits, dots, dashes or underscores");
    }
    return text;
  }

  private ReplicationConfig replication() {
    return new ReplicationConfig(
        values.number("inline-limit", 0, 0, MOST_INLINE_BYTES),
        values.number("max-change-set-rows", DEFAULT_MAX_CHANGE_SET_ROWS, 100, 1_000_000),
        Duration.ofMillis(values.number("max-apply-millis", DEFAULT_MAX_APPLY_MILLIS, 5, 60_000)),
        values.number("max-row-bytes", DEFAULT_MAX_ROW_BYTES, LEAST_ROW_BYTES, MOST_ROW_BYTES),
        values.read("exclude", NodeConfigLoader::patterns).orElse(TablePatterns.NONE));
  }

  private static TablePatterns patterns(String text) {
    List<String> globs = Pattern.compile(",").splitAsStream(text).map(String::strip).toList();
    if (globs.contains("")) {
      throw new IllegalArgumentException("must be names or patterns, separated by commas");
    }
    return TablePatterns.of(globs);
  }

  private List<String> notes(List<Member> members, Address bind, Address pane, AuthKey key) {
    List<String> notes = new ArrayList<>();
    values
        .given("replicate")
        .ifPresent(
            given ->
                notes.add(
                    ("option replicate (got %s) is deprecated and does nothing: every table"
                            + " replicates; to leave tables out, name them with --exclude"
                            + " PATTERN,... on all nodes")
                        .formatted(given)));
    if (members.size() == 1
        && bind.isWildcard()
        && Membership.address(members.get(0)).isLoopback()) {
      notes.add(
          ("this node is a cluster of one and is known at %s only: before others can join, start it"
                  + " with --advertise HOST:PORT, where they reach it")
              .formatted(members.get(0).address()));
    }
    if (!pane.isLoopback() && !key.isSet()) {
      notes.add(
          "bind-pane "
              + pane
              + " is not a loopback address and AUTH_KEY is not set: the pane refuses whoever asks"
              + " from another machine; set AUTH_KEY for the node and its clients, or bind it to"
              + " localhost");
    }
    return notes;
  }
}
