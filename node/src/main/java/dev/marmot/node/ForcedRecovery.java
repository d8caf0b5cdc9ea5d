package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.node.replication.Completeness;
import dev.marmot.node.snapshot.Introduction;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ratis.ForcedCluster;
import dev.marmot.raft.ratis.ForcedCluster.Survived;
import dev.marmot.sqlite.hooks.DatabaseLock;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Makes a cluster of one out of a node whose cluster has lost its majority for good. The node must
 * be stopped. Confined to one thread.
 *
 * <p>May be asked again after a break: the id of the new cluster is written down before anything is
 * changed, and the SQLite file, without which the node does not start, comes last.
 */
public final class ForcedRecovery implements AutoCloseable {
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final NodeDirectory directory;
  private final NodeIdentity identity;
  private final ForcedCluster logs;
  private final SqliteReplicaStore store;

  private ForcedRecovery(Path directory, Path database) throws IOException {
    try {
      part(DatabaseLock.take(database, "marmot recover"));
      this.directory = part(NodeDirectory.open(directory));
      this.identity = before(this.directory);
      this.logs =
          part(
              ForcedCluster.open(
                  this.directory.raftLogs(), identity.getCluster(), this.directory.recovering()));
      StoreOptions options =
          StoreOptions.defaults("n" + identity.getNodeId()).withStaging(this.directory.snapshots());
      this.store = part(SqliteReplicaStore.open(database, options));
      check(database);
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * What is here, and what is not. Immutable.
   *
   * @param formerMembers all of them, this node included
   * @param position order log index at which the file stands
   * @param pending changes in the file that the order log does not have
   * @param kept last index of the order log that can be kept
   * @param givenUp change sets behind that, whose rows only the lost nodes had
   */
  public record Findings(
      NodeId self,
      String cluster,
      List<Member> formerMembers,
      List<Survived> logs,
      long position,
      long pending,
      long kept,
      int givenUp) {
    public Findings {
      formerMembers = List.copyOf(formerMembers);
      logs = List.copyOf(logs);
    }
  }

  /**
   * Opens a stopped node.
   *
   * @param directory {@code <raft-path>/node-<id>}
   * @throws IOException when there is none, it runs, or file and directory do not belong together
   */
  public static ForcedRecovery open(Path directory, Path database) throws IOException {
    if (!Files.isRegularFile(directory.resolve("identity"))) {
      throw new IOException(
          "cannot recover from %s: there is no node; give the raft-path of the survivor"
              .formatted(directory));
    }
    if (!Files.isRegularFile(database)) {
      throw new IOException(
          "cannot recover from %s: the file %s is lost, and the raft logs hold only the newest"
                  .formatted(directory, database)
              + " changes; recover on another survivor, or restore a backup");
    }
    return new ForcedRecovery(directory, database);
  }

  /** What the node was before a recovery that may have broken off. */
  private static NodeIdentity before(NodeDirectory directory) throws IOException {
    NodeIdentity stored = directory.identity().orElseThrow();
    boolean begun = directory.recovering().filter(stored.getCluster()::equals).isPresent();
    if (!begun) {
      return stored;
    }
    List<String> former = new ArrayList<>(stored.getFormerList());
    String cluster = former.remove(former.size() - 1);
    return stored.toBuilder().setCluster(cluster).clearFormer().addAllFormer(former).build();
  }

  private void check(Path database) throws IOException {
    String cannot = "cannot recover node %d: ".formatted(identity.getNodeId());
    List<String> clusters = new ArrayList<>(identity.getFormerList());
    clusters.add(identity.getCluster());
    directory.recovering().ifPresent(clusters::add);
    if (store.state().file() != identity.getFile()
        || store.meta("cluster").filter(clusters::contains).isEmpty()) {
      throw new IOException(
          cannot
              + "%s is not the file that directory %s belongs to; put the right one back"
                  .formatted(database, directory.path()));
    }
    long begin = -1;
    for (Survived log : logs.survived()) {
      begin = Math.max(begin, log.floor().position());
    }
    if (store.facts().mustInstall() || store.state().position() < begin) {
      throw new IOException(
          cannot
              + "%s stands at position %d and waits for a snapshot of position %d or later, which"
                  .formatted(database, store.state().position(), begin)
              + " only a lost node could give; recover on another survivor, or restore a backup");
    }
  }

  /** Looks without changing anything. */
  public Findings look() throws IOException {
    Completeness complete = new Completeness(store.state());
    List<Survived> survived = logs.survived();
    for (Survived log : survived) {
      if (!log.log().isOrderLog()) {
        logs.read(log.log(), complete::entry);
      }
    }
    logs.read(LogId.ORDER, complete::entry);
    long end = survived.get(0).last();
    return new Findings(
        new NodeId(identity.getNodeId()),
        identity.getClusterName() + " " + identity.getCluster(),
        logs.members(),
        survived,
        store.state().position(),
        store.pendingChanges(),
        complete.incomplete() ? complete.last() : end,
        complete.lost());
  }

  /**
   * Does it.
   *
   * @return id of the new cluster
   * @throws IOException also when another node of the cluster answers
   */
  public String found(Findings findings) throws IOException {
    Member self = self(findings);
    checkAlone(findings);
    String cluster = directory.recovering().orElseGet(() -> UUID.randomUUID().toString());
    directory.recovering(Optional.of(cluster));
    logs.found(cluster, self, findings.kept());
    dev.marmot.proto.v1.Member member =
        dev.marmot.proto.v1.Member.newBuilder()
            .setNodeId(self.id().value())
            .setHost(self.host())
            .setPort(self.port())
            .build();
    directory.identity(Identities.alone(identity, cluster, member));
    directory.recovering(Optional.empty());
    store.meta("cluster", cluster);
    store.sync();
    return cluster;
  }

  private Member self(Findings findings) throws IOException {
    return findings.formerMembers().stream()
        .filter(member -> member.id().equals(findings.self()))
        .findFirst()
        .orElseThrow(
            () ->
                new IOException(
                    "cannot recover %s: it is no member of its cluster"
                        .formatted(findings.self())));
  }

  private void checkAlone(Findings findings) throws IOException {
    for (Member member : findings.formerMembers()) {
      if (!member.id().equals(findings.self())
          && Introduction.answers(
              new Address(member.host(), member.port()), identity.getCluster())) {
        throw new IOException(
            "cannot recover %s: %s at %s runs; with a majority running nothing needs recovery, else"
                    .formatted(findings.self(), member.id(), member.address())
                + " stop it, and recover on the one that has most");
      }
    }
  }

  private <T extends AutoCloseable> T part(T opened) {
    parts.push(opened);
    return opened;
  }

  @Override
  public void close() throws IOException {
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }
}
