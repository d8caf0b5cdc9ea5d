package dev.marmot.node.simulation;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A replica store in memory, for one life of a node's process: the plainest reading of the
 * contract. What it holds lives on a {@link MemoryDisk}, which the application writes too. Confined
 * to the simulation's thread.
 */
final class MemoryReplicaStore implements ReplicaStore {
  /** Sees what the process does with the file. */
  interface Observer {
    /** A capture read this, in this state of the file. */
    void captured(CapturedChanges changes, MemoryFile file);

    /** An apply transaction led from one state of the file to the next. */
    void applied(MemoryFile before, MemoryFile after);
  }

  private final MemoryDisk disk;
  private final Observer observer;
  private final Hazard hazard;
  private final Set<Sabotage> sabotage;
  private Runnable wake = () -> {};
  private boolean writing;
  private Runnable alsoCommit = () -> {};

  MemoryReplicaStore(MemoryDisk disk, Observer observer, Hazard hazard, Set<Sabotage> sabotage) {
    this.disk = disk;
    this.observer = observer;
    this.hazard = hazard;
    this.sabotage = sabotage;
  }

  /** An application committed: tells the process. */
  void applicationCommitted() {
    wake.run();
  }

  /** Something that is committed with the transaction that is open. */
  void alsoCommit(Runnable other) {
    alsoCommit = other;
  }

  /** Whether an apply transaction holds the write lock. */
  boolean isWriting() {
    return writing;
  }

  @Override
  public ReplicaState state() {
    hazard.switchThreads();
    return disk.current().state();
  }

  @Override
  public List<WriterEntry> writers() {
    return List.copyOf(disk.current().writers);
  }

  @Override
  public ApplyTransaction begin() {
    hazard.pass();
    writing = true;
    return new MemoryApplyTransaction(
        disk.current(), this::commit, () -> writing = false, hazard, sabotage);
  }

  private void commit(MemoryFile before, MemoryFile after) {
    alsoCommit.run();
    disk.commit(after, List.of());
    observer.applied(before, after);
  }

  @Override
  public StagedReplica stage() {
    return new MemoryStagedReplica(disk.current(), hazard, sabotage);
  }

  @Override
  public List<WriterEntry> writers(Snapshot snapshot) {
    return List.copyOf(MemorySnapshot.of(snapshot).writers);
  }

  @Override
  public InstallTransaction install(Snapshot snapshot) {
    hazard.pass();
    writing = true;
    return new MemoryInstallTransaction(
        disk.current(), MemorySnapshot.of(snapshot), this::commit, () -> writing = false, hazard);
  }

  @Override
  public Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits) {
    hazard.pass();
    MemoryFile file = disk.current();
    List<RowImage> rows = new ArrayList<>();
    long maxSeq = afterSeq;
    Map<RowKey, Long> changed = file.changesAfter(afterSeq);
    for (Map.Entry<RowKey, Long> change : changed.entrySet()) {
      if (rows.size() == limits.rows()) {
        break;
      }
      rows.add(image(file, change.getKey()));
      maxSeq = change.getValue();
    }
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    boolean complete = rows.size() == changed.size();
    CapturedChanges captured =
        new CapturedChanges(rows, maxSeq, file.position, 0, file.file, complete);
    observer.captured(captured, file);
    return Optional.of(captured);
  }

  private static RowImage image(MemoryFile file, RowKey key) {
    RowImage stored = file.rows.get(key);
    boolean over = file.skipped.contains(key) || file.parked.containsKey(key);
    return SampleTable.withOver(stored != null ? stored : SampleTable.tombstone(key), over);
  }

  @Override
  public long newestSeq() {
    hazard.switchThreads();
    return disk.current().newestSeq;
  }

  @Override
  public long pendingChanges() {
    MemoryFile file = disk.current();
    return file.changeLog.stream().filter(change -> change.seq() > file.settledSeq).count();
  }

  @Override
  public void sync() {
    hazard.pass();
    disk.sync();
    hazard.pass();
  }

  @Override
  public void onCommit(Runnable wake) {
    this.wake = wake;
  }

  @Override
  public OptionalLong heldSchema() {
    return disk.current().held.isEmpty() ? OptionalLong.empty() : OptionalLong.of(0);
  }

  @Override
  public List<String> warnings() {
    return List.of();
  }

  @Override
  public void close() {}
}
