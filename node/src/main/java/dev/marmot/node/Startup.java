package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.first.FirstContents;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.identity.KnownLives;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.identity.StartCheck;
import dev.marmot.node.identity.StartCheck.FileFacts;
import dev.marmot.node.identity.StartNumber;
import dev.marmot.node.replication.EpochCounter;
import dev.marmot.node.replication.OlderCopyCheck;
import dev.marmot.node.snapshot.Introduction;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.KnownLife;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ratis.RatisNode;
import dev.marmot.sqlite.ReplicaState;
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
      FirstContent content,
      EpochCounter epochs) {}

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
      // Of a former life under this id only the cluster knows.
      directory.epochsAfter(newestEpoch(cluster.get().getKnown()));
    }
    EpochCounter epochs = directory.epochCounter();
    SqliteReplicaStore store = open(newcomer, reading);
    try {
      boolean trusted = fileLost || newcomer || config.raft().adopt();
      identify(store, wanted, trusted, stored);
      if (newcomer) {
        refuse(check(store, epochs).proof(KnownLives.last(cluster.get().getKnown())));
      } else {
        checkKnown(store, epochs, wanted.getCluster(), members);
      }
      StartNumber start = begin(store, wanted, stored);
      boolean inDoubt = store.facts().mustInstall();
      NodeIdentity identity =
          wanted.toBuilder().setFile(store.state().file()).setStart(start.number()).build();
      boolean alone = members.size() == 1;
      FirstContent content =
          content(store, alone || fileLost || cluster.isPresent() || inDoubt, reading);
      return new Prepared(
          identity,
          store,
          members,
          cluster.isPresent(),
          inDoubt,
          content.toBuilder().setIdentity(identity).build(),
          epochs);
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
      DescribeReply reply =
          Introduction.describe(
              member, config.self().value(), newcomer ? config.self().value() : 0);
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

  /**
   * Checks that options, directory and file belong together.
   *
   * @param trusted whether the file is new here, or its rows come from the cluster anyway
   */
  private void identify(
      SqliteReplicaStore store, NodeIdentity wanted, boolean trusted, Optional<NodeIdentity> stored)
      throws IOException {
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
    refuse(StartCheck.refusal(now, directory.path(), before, trusted ? facts.placed() : facts));
    if (!trusted) {
      refuse(
          directory
              .starts()
              .refusal(
                  config.self().value(), config.database(), directory.path(), lastStart(store)));
    }
    if (stored.isPresent() && !facts.bound()) {
      reshape(stored.get(), now);
    }
  }

  /** Gives file and directory the number of this start, and writes down what is new. */
  private StartNumber begin(
      SqliteReplicaStore store, NodeIdentity wanted, Optional<NodeIdentity> stored)
      throws IOException {
    NodeIdentity now = wanted.toBuilder().setFile(store.state().file()).build();
    StartNumber begun = directory.begin(lastStart(store), start -> store.start(start.toString()));
    store.meta("cluster", now.getCluster());
    store.meta("node", Integer.toString(now.getNodeId()));
    if (stored.isEmpty() || !stored.get().equals(now)) {
      directory.identity(now);
    }
    return begun;
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

  private static Optional<StartNumber> lastStart(SqliteReplicaStore store) throws IOException {
    try {
      return store.start().map(StartNumber::parse);
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "cannot read the number of the last start in the file: %s; run `marmot cleanup` on it and"
                  .formatted(e.getMessage())
              + " join again",
          e);
    }
  }

  /** Asks whoever answers whether this node has lived on after what its disk knows. */
  private void checkKnown(
      SqliteReplicaStore store, EpochCounter epochs, String cluster, List<Member> members)
      throws IOException {
    Optional<String> name = RatisNode.name(directory.raftLogs());
    if (name.isEmpty()) {
      return;
    }
    int self = config.self().value();
    long lastStart = directory.starts().done().map(StartNumber::number).orElse(0L);
    KnownLives lives =
        new KnownLives(self, name.get(), store.state().file(), lastStart, check(store, epochs));
    progress.accept("asks the other nodes what they know of this one");
    for (KnownLife known : Introduction.known(others(members), cluster, self)) {
      refuse(lives.refusal(known));
    }
  }

  /** What the file can have sent, for all that it says itself. */
  private OlderCopyCheck check(SqliteReplicaStore store, EpochCounter epochs) {
    return new OlderCopyCheck(
        config.self().value(),
        store.state(),
        store.newestSeq(),
        -1,
        epochs.load(),
        epochs::isForeign);
  }

  private static void refuse(Optional<String> refusal) throws IOException {
    if (refusal.isPresent()) {
      throw new IOException(refusal.get());
    }
  }

  /** Above it are no epochs of a former life, for all that the member knows that was asked. */
  private static long newestEpoch(KnownLife known) {
    return known.getEpoch() == ReplicaState.REMOVED
        ? known.getLastEpoch()
        : Math.max(known.getEpoch(), known.getLastEpoch());
  }
}
