package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.first.FirstContents;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.identity.StartCheck;
import dev.marmot.node.identity.StartCheck.FileFacts;
import dev.marmot.node.snapshot.Introduction;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ratis.RatisNode;
import dev.marmot.sqlite.store.Adoption;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings options, directory, SQLite file and cluster together before anything runs: who this node
 * is, whether its file is the one that belongs to its raft logs, and where the rows come from when
 * it is not. Confined to the starting thread.
 */
final class Startup {
  private static final Logger log = LoggerFactory.getLogger(Startup.class);
  private static final String GENERATION = "generation";

  private final NodeConfig config;
  private final NodeDirectory directory;
  private final StoreOptions options;
  private final Consumer<String> progress;

  /**
   * @param progress told what the start is doing
   */
  Startup(NodeConfig config, NodeDirectory directory, Consumer<String> progress) {
    this.config = config;
    this.directory = directory;
    this.progress = progress;
    this.options =
        StoreOptions.defaults(config.self() + "")
            .withExcluded(config.replication().excluded())
            .withMaxRowBytes(config.replication().maxRowBytes())
            .withStaging(directory.snapshots());
  }

  /**
   * What the start found out.
   *
   * @param members everybody who is known, this node included
   * @param joining whether this node has to be made a member first
   * @param rowsInDoubt whether the rows of the file come from elsewhere
   * @param content what the nodes of a new cluster compare, with the identity
   */
  record Prepared(
      NodeIdentity identity,
      SqliteReplicaStore store,
      List<Member> members,
      boolean joining,
      boolean rowsInDoubt,
      FirstContent content) {}

  /** Opens the file; throws, with a message for the operator, when something does not fit. */
  Prepared prepare() throws IOException {
    dev.marmot.sqlite.store.FirstContent reading =
        new dev.marmot.sqlite.store.FirstContent(
            config.database(), config.replication().excluded());
    try (reading) {
      return prepare(reading);
    }
  }

  private Prepared prepare(dev.marmot.sqlite.store.FirstContent reading) throws IOException {
    Optional<NodeIdentity> stored = directory.identity();
    Optional<DescribeReply> cluster = cluster(stored);
    NodeIdentity wanted =
        cluster
            .map(reply -> member(reply.getIdentity()))
            .or(() -> config.raft().join().isPresent() ? stored : Optional.empty())
            .orElseGet(() -> Identities.of(config, stored));
    List<Member> members = members(cluster, Identities.recovered(wanted));
    boolean newcomer = stored.isEmpty() && cluster.isPresent();
    boolean fileLost = !Files.exists(config.database()) && (newcomer || stored.isPresent());
    if (fileLost) {
      log.atWarn().addKeyValue("database", config.database()).log("no file: bringing a snapshot");
      Introduction.bring(others(members), directory.snapshots(), config.database(), progress);
    }
    if (newcomer) {
      // Epochs of a former life under this id are not known here: begin above all of them.
      directory.epochCounter().store(Instant.now().getEpochSecond());
    }
    SqliteReplicaStore store = open(newcomer, reading);
    try {
      boolean inDoubt = identify(store, wanted, fileLost || newcomer, stored);
      NodeIdentity identity = wanted.toBuilder().setFile(store.state().file()).build();
      boolean alone = members.size() == 1;
      FirstContent content =
          content(store, alone || fileLost || cluster.isPresent() || inDoubt, reading);
      return new Prepared(
          identity,
          store,
          members,
          cluster.isPresent(),
          inDoubt,
          content.toBuilder().setIdentity(identity).build());
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** What a member of that cluster is; its own options count where they may differ. */
  private NodeIdentity member(NodeIdentity cluster) {
    return cluster.toBuilder()
        .setNodeId(config.self().value())
        .clearExcluded()
        .addAllExcluded(config.replication().excluded().globs())
        .clearEncoding()
        .build();
  }

  /** The cluster that this node is to join; a node that has been in it needs nobody's word. */
  private Optional<DescribeReply> cluster(Optional<NodeIdentity> stored) throws IOException {
    if (config.raft().join().isEmpty()) {
      return Optional.empty();
    }
    Address member = config.raft().join().get();
    try {
      progress.accept("asks " + member + " about the cluster");
      boolean newcomer = stored.isEmpty() && !config.raft().replace();
      DescribeReply reply = Introduction.describe(member, newcomer ? config.self().value() : 0);
      Optional<String> refusal = Joining.refusal(config, member, reply);
      if (refusal.isPresent()) {
        throw new IllegalStateException(refusal.get());
      }
      return Optional.of(reply);
    } catch (IOException e) {
      if (stored.isEmpty()) {
        throw e;
      }
      log.atWarn().addKeyValue("reason", e.getMessage()).log("going on without the cluster's word");
      return Optional.empty();
    }
  }

  private List<Member> members(Optional<DescribeReply> cluster, boolean recovered) {
    List<Member> members = new ArrayList<>();
    if (cluster.isEmpty() && !recovered) {
      members.addAll(config.raft().members());
      return members;
    }
    for (dev.marmot.proto.v1.Member member :
        cluster.map(DescribeReply::getMembersList).orElse(List.of())) {
      if (member.getNodeId() != config.self().value()) {
        members.add(new Member(new NodeId(member.getNodeId()), member.getHost(), member.getPort()));
      }
    }
    members.addAll(
        config.raft().members().stream().filter(m -> m.id().equals(config.self())).toList());
    return members;
  }

  private List<Address> others(List<Member> members) {
    return members.stream()
        .filter(member -> !member.id().equals(config.self()))
        .map(member -> new Address(member.host(), member.port()))
        .toList();
  }

  /** Opens the file, which a newcomer may have copied from somewhere. */
  private SqliteReplicaStore open(boolean newcomer, dev.marmot.sqlite.store.FirstContent reading)
      throws IOException {
    progress.accept("opens the file");
    boolean known = Adoption.isReplicated(config.database());
    SqliteReplicaStore store =
        newcomer
            ? SqliteReplicaStore.open(config.database(), options)
            : SqliteReplicaStore.open(config.database(), options, reading);
    String self = Integer.toString(config.self().value());
    boolean foreign = store.meta("node").filter(node -> !node.equals(self)).isPresent();
    if (config.raft().adopt() || (newcomer && (foreign || !known))) {
      store.close();
      Path kept = Adoption.keepAside(config.database(), Instant.now());
      log.atWarn().addKeyValue("copy", kept).log("the file's rows give way to the cluster's");
      boolean renewed = Adoption.adopt(config.database());
      store = SqliteReplicaStore.open(config.database(), options);
      if (!renewed) {
        store.requireInstall();
      }
    }
    return store;
  }

  /** Checks that options, directory and file belong together; writes down what is new. */
  private boolean identify(
      SqliteReplicaStore store, NodeIdentity wanted, boolean newFile, Optional<NodeIdentity> stored)
      throws IOException {
    boolean trusted = newFile || config.raft().adopt();
    FileFacts facts =
        new FileFacts(
            config.database(),
            store.state().file(),
            store.meta("cluster"),
            store.meta("node"),
            store.state().position(),
            trusted || FirstContents.bound(store));
    NodeIdentity now = wanted.toBuilder().setFile(store.state().file()).build();
    Optional<NodeIdentity> before =
        trusted ? stored.map(id -> id.toBuilder().setFile(facts.file()).build()) : stored;
    Optional<String> refusal =
        StartCheck.refusal(now, directory.path(), before, trusted ? facts.placed() : facts);
    if (refusal.isPresent()) {
      throw new IOException(refusal.get());
    }
    if (stored.isPresent() && !facts.bound()) {
      reshape(stored.get(), now);
    }
    checkGeneration(store, trusted);
    store.meta("cluster", now.getCluster());
    store.meta("node", Integer.toString(now.getNodeId()));
    if (stored.isEmpty() || !stored.get().equals(now)) {
      directory.identity(now);
    }
    return store.facts().mustInstall();
  }

  /** Logs of a cluster that never began, in which nothing was ever written, become those of now. */
  private void reshape(NodeIdentity before, NodeIdentity now) throws IOException {
    if (!before.getCluster().equals(now.getCluster()) || before.getShards() != now.getShards()) {
      log.atWarn()
          .addKeyValue("shards", now.getShards())
          .addKeyValue("members", now.getMembersList())
          .log("other options than before the first comparison");
      RatisNode.reshape(
          directory.raftLogs(), before.getCluster(), now.getCluster(), now.getShards());
    }
  }

  /**
   * What the first comparison needs; reads the whole file when changes begin to be logged now.
   *
   * @param nothingOwn whether the rows come from the cluster, or there is nobody to compare with
   */
  private FirstContent content(
      SqliteReplicaStore store, boolean nothingOwn, dev.marmot.sqlite.store.FirstContent reading) {
    Optional<FirstContent> noted = FirstContents.read(store);
    if (noted.isEmpty() && (nothingOwn || store.state().position() >= 0)) {
      if (store.state().position() < 0) {
        FirstContents.write(store, FirstContents.taken());
      }
      return FirstContents.taken();
    }
    FirstContent content =
        noted.orElseGet(
            () ->
                FirstContents.begin(
                    reading,
                    store,
                    table -> progress.accept("reads the file for the first comparison: " + table)));
    int seed = config.raft().seedFrom().map(NodeId::value).orElse(config.self().value());
    return content.getAgreed() || seed == config.self().value()
        ? content
        : content.toBuilder().setSeed(seed).build();
  }

  /** Each start gives file and directory a number; an older copy of the file has an older one. */
  private void checkGeneration(SqliteReplicaStore store, boolean trusted) throws IOException {
    long last = directory.generation();
    long found = store.meta(GENERATION).map(Long::parseLong).orElse(0L);
    if (!trusted && last != 0 && found < last) {
      throw new IOException(
          "cannot start node %d: %s is an older copy of itself (of start %d, the last was %d): what"
                  .formatted(config.self().value(), config.database(), found, last)
              + " it lacks would be lost silently; put the newest file back, or start with --adopt"
              + " to take the rows of the cluster");
    }
    store.meta(GENERATION, Long.toString(last + 1));
    store.sync();
    directory.generation(last + 1);
  }
}
