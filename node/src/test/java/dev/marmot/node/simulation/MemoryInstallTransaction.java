package dev.marmot.node.simulation;

import dev.marmot.sqlite.ApplyTransaction.Parked;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/** An install into a file in memory. Confined to the simulation's thread. */
final class MemoryInstallTransaction implements InstallTransaction {
  private final MemoryFile before;
  private final MemoryFile next;
  private final MemoryFile snapshot;
  private final BiConsumer<MemoryFile, MemoryFile> onCommit;
  private final Runnable onEnd;
  private final Hazard hazard;

  MemoryInstallTransaction(
      MemoryFile before,
      MemoryFile snapshot,
      BiConsumer<MemoryFile, MemoryFile> onCommit,
      Runnable onEnd,
      Hazard hazard) {
    this.before = before;
    this.next = before.copy();
    this.snapshot = snapshot;
    this.onCommit = onCommit;
    this.onEnd = onEnd;
    this.hazard = hazard;
    next.notes.clear();
  }

  @Override
  public void trimChangeLog(long maxSeq) {
    hazard.pass();
    next.trimChangeLog(maxSeq);
  }

  @Override
  public List<PendingKey> pending() {
    return next.pending().keySet().stream()
        .map(
            key ->
                new PendingKey(
                    key,
                    SampleTable.tombstone(key).keyHash(),
                    next.parked.containsKey(key),
                    next.hidden.containsKey(key)))
        .toList();
  }

  @Override
  public void hide(PendingKey key) {
    RowImage row = snapshot.rows.get(key.key());
    next.hidden.put(key.key(), row == null ? SampleTable.tombstone(key.key()) : row);
  }

  @Override
  public void skip(PendingKey key) {
    next.skipped.add(key.key());
  }

  @Override
  public void replaceRows(boolean park) {
    hazard.pass();
    Set<RowKey> pending = next.pending().keySet();
    next.hidden.keySet().retainAll(pending);
    next.skipped.retainAll(pending);
    next.parked.clear();
    next.rows.keySet().retainAll(pending);
    for (Map.Entry<RowKey, RowImage> row : snapshot.rows.entrySet()) {
      RowKey key = row.getKey();
      if (pending.contains(key)) {
        continue;
      }
      boolean blocked =
          next.colliders(row.getValue()).stream()
              .anyMatch(other -> pending.contains(SampleTable.key(other)));
      if (blocked && park) {
        next.parked.put(key, new Parked(key, row.getValue(), 0));
      } else {
        next.rows.put(key, row.getValue());
      }
    }
  }

  @Override
  public void uniteConflicts() {
    List<Conflict> more = snapshot.conflicts();
    for (int i = more.size() - 1; i >= 0; i--) {
      next.addConflict(more.get(i));
    }
  }

  @Override
  public void last(int origin, LastApplied last) {
    next.last.put(origin, last);
  }

  @Override
  public void minEpoch(int origin, long epoch) {
    next.minEpoch.put(origin, epoch);
  }

  @Override
  public void replaceWriters() {
    next.writers.clear();
    next.writers.addAll(snapshot.writers);
    next.windowStart = snapshot.windowStart;
  }

  @Override
  public void position(long term, long index) {
    next.term = term;
    next.position = index;
  }

  @Override
  public void commit() {
    hazard.pass();
    onCommit.accept(before, next);
    onEnd.run();
    hazard.pass();
  }

  @Override
  public void close() {
    onEnd.run();
  }
}
