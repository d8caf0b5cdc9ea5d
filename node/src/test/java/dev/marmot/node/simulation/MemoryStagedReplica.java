package dev.marmot.node.simulation;

import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import java.util.Set;

/** A copy of a file in memory that becomes a snapshot. Confined to the simulation's thread. */
final class MemoryStagedReplica implements StagedReplica {
  private final MemoryDisk disk;
  private final MemoryReplicaStore store;
  private final long[] leftOut;

  MemoryStagedReplica(MemoryFile live, Hazard hazard, Set<Sabotage> sabotage) {
    hazard.pass();
    MemoryFile copy = live.copy();
    Set<RowKey> pending = live.pending().keySet();
    if (!sabotage.contains(Sabotage.DONOR_SENDS_PENDING)) {
      copy.rows.keySet().removeAll(pending);
    }
    copy.parked.forEach((key, parked) -> copy.rows.put(key, parked.image()));
    copy.hidden.values().stream()
        .filter(hidden -> !hidden.tombstone())
        .forEach(row -> copy.rows.put(SampleTable.key(row), SampleTable.withOver(row, false)));
    copy.hidden.clear();
    copy.parked.clear();
    copy.skipped.clear();
    copy.notes.clear();
    copy.changeLog.clear();
    this.leftOut =
        pending.stream().mapToLong(key -> SampleTable.tombstone(key).keyHash()).toArray();
    this.disk = new MemoryDisk(copy);
    this.store = new MemoryReplicaStore(disk, new Unwatched(), hazard, sabotage);
  }

  /** While it is incomplete, the copy is like no node at any position. */
  private static final class Unwatched implements MemoryReplicaStore.Observer {
    @Override
    public void captured(CapturedChanges changes, MemoryFile file) {
      throw new Violation("something is captured from a copy");
    }

    @Override
    public void applied(MemoryFile before, MemoryFile after) {}
  }

  @Override
  public ReplicaStore store() {
    return store;
  }

  @Override
  public long[] leftOut() {
    return leftOut.clone();
  }

  @Override
  public Snapshot seal() {
    return new MemorySnapshot(disk.current());
  }

  @Override
  public void close() {}
}
