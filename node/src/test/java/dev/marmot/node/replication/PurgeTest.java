package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.ReplicaStore;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The logs keep entries for members that lag, so their floors stay below what was allowed. */
class PurgeTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir private Path directory;

  @Test
  void nothingHappened_nothingIsSynced() throws Exception {
    try (Side side = Side.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Replicator replicator =
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT)) {
      LocalLogs logs = new LocalLogs(replicator);
      AtomicInteger syncs = new AtomicInteger();
      ReplicaStore counted = counting(side.store, syncs);
      ChunkIndex chunks = new ChunkIndex(counted::state, ProtocolRules.ALL);
      Purge purge = new Purge(logs, counted, chunks, ProtocolRules.ALL);
      replicator.start(logs, () -> true);
      write(side, 1);

      purge.step();
      assertThat(syncs).as("the position is made durable").hasValue(1);
      for (int i = 0; i < 5; i++) {
        purge.step();
      }
      assertThat(syncs).as("at rest").hasValue(1);
      write(side, 2);
      purge.step();
      assertThat(syncs).as("after a write").hasValue(2);
    }
  }

  /** The chunks below that floor are not here, so nothing in that log looks unsettled. */
  @Test
  void beforeAnOwnFloor_noFloorIsRaised() throws Exception {
    try (Side side = Side.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Replicator replicator =
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT)) {
      LocalLogs logs = new LocalLogs(replicator);
      ChunkIndex chunks = new ChunkIndex(side.store::state, ProtocolRules.ALL);
      Purge purge = new Purge(logs, side.store, chunks, ProtocolRules.ALL);
      replicator.start(logs, () -> true);
      write(side, 1);

      logs.floors.put(LogId.shard(1), new Floor(0, 1_000).beforeState());
      purge.step();
      assertThat(logs.raised).isEmpty();
      logs.floors.clear();
      purge.step();
      assertThat(logs.raised).isNotEmpty();
    }
  }

  private static void write(Side side, int id) throws Exception {
    side.run("INSERT INTO t VALUES(" + id + ")");
    await().atMost(SOON).until(() -> side.store.pendingChanges() == 0);
  }

  private static ReplicaStore counting(ReplicaStore store, AtomicInteger syncs) {
    return (ReplicaStore)
        Proxy.newProxyInstance(
            ReplicaStore.class.getClassLoader(),
            new Class<?>[] {ReplicaStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("sync")) {
                syncs.incrementAndGet();
              }
              return method.invoke(store, arguments);
            });
  }
}
