package dev.marmot.node.simulation;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * The memory store and the real one, which get the same calls and must give the same answers; the
 * protocol goes on with those of the memory store. Confined to the simulation's thread.
 */
final class TwinStore implements ReplicaStore {
  private final MemoryReplicaStore memory;
  private final MemoryDisk disk;
  private final SqliteTwin twin;
  private final SqliteReplicaStore real;

  TwinStore(MemoryReplicaStore memory, MemoryDisk disk, SqliteTwin twin) {
    this.memory = memory;
    this.disk = disk;
    this.twin = twin;
    this.real = twin.open();
    checkState();
  }

  static void same(String what, Object memory, Object real) {
    Violation.check(memory.equals(real), "%s: memory has %s, SQLite has %s", what, memory, real);
  }

  private void checkState() {
    ReplicaState mine = memory.state();
    ReplicaState its = real.state();
    same("position", mine.position(), its.position());
    same("epochs", mine.minEpoch(), its.minEpoch());
    same("origins", mine.last().keySet(), its.last().keySet());
    same("writers", memory.writers().size(), real.writers().size());
  }

  @Override
  public ReplicaState state() {
    return memory.state();
  }

  @Override
  public List<WriterEntry> writers() {
    return memory.writers();
  }

  @Override
  public ApplyTransaction begin() {
    ApplyTransaction mine = memory.begin();
    ApplyTransaction its = real.begin();
    memory.alsoCommit(its::commit);
    return new TwinTransaction(mine, its, memory.state().file(), real.state().file());
  }

  /** An apply transaction is committed on both. */
  void applied() {
    Map<String, String> rows = new TreeMap<>();
    disk.current().rows.forEach((key, row) -> rows.put(SampleTable.show(key), Trace.content(row)));
    same("rows", rows, twin.rows());
    same(
        "skipped keys",
        String.valueOf(disk.current().skipped.size()),
        twin.column("SELECT count(*) FROM __marmot_skipped").get(0));
    same(
        "parked rows",
        String.valueOf(disk.current().parked.size()),
        twin.column("SELECT count(*) FROM __marmot_parked").get(0));
    same(
        "hidden rows",
        String.valueOf(disk.current().hidden.size()),
        twin.column("SELECT count(*) FROM __marmot_hidden").get(0));
    same(
        "conflicts",
        String.valueOf(disk.current().conflicts().size()),
        twin.column("SELECT count(*) FROM __marmot_conflict").get(0));
    same(
        "notes and guard",
        "0",
        twin.column(
                "SELECT (SELECT count(*) FROM __marmot_note)+(SELECT count(*) FROM __marmot_guard)")
            .get(0));
    checkState();
  }

  @Override
  public StagedReplica stage() {
    throw new UnsupportedOperationException("cannot stage: not built yet");
  }

  @Override
  public List<WriterEntry> writers(Snapshot snapshot) {
    throw new UnsupportedOperationException("cannot read a snapshot: not built yet");
  }

  @Override
  public InstallTransaction install(Snapshot snapshot) {
    throw new UnsupportedOperationException("cannot install: not built yet");
  }

  @Override
  public Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits) {
    Optional<CapturedChanges> mine = memory.capture(afterSeq, limits);
    Optional<CapturedChanges> its = real.capture(afterSeq, limits);
    same("captured rows", mine.map(TwinStore::text), its.map(TwinStore::text));
    return mine;
  }

  private static String text(CapturedChanges changes) {
    return "%s up to %d at %d, %s"
        .formatted(
            changes.rows().stream().map(row -> Trace.text(row) + (row.over() ? "!" : "")).toList(),
            changes.maxSeq(),
            changes.base(),
            changes.complete());
  }

  static String text(Optional<RowImage> row) {
    return row.map(Trace::text).orElse("none");
  }

  @Override
  public long newestSeq() {
    same("newest change", memory.newestSeq(), real.newestSeq());
    return memory.newestSeq();
  }

  @Override
  public long pendingChanges() {
    same("pending changes", memory.pendingChanges(), real.pendingChanges());
    return memory.pendingChanges();
  }

  @Override
  public OptionalLong heldSchema() {
    same("held rows", memory.heldSchema().isPresent(), real.heldSchema().isPresent());
    return memory.heldSchema();
  }

  @Override
  public void sync() {
    memory.sync();
  }

  @Override
  public void onCommit(Runnable wake) {
    memory.onCommit(wake);
  }

  @Override
  public List<String> warnings() {
    return real.warnings();
  }

  @Override
  public void close() {
    real.close();
  }
}
