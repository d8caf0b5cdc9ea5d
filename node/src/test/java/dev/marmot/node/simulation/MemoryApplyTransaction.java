package dev.marmot.node.simulation;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * An apply transaction on a copy of the file, which also watches over the contract: a call that no
 * correct protocol makes is a {@link Violation}. Confined to the simulation's thread.
 */
final class MemoryApplyTransaction implements ApplyTransaction {
  private final MemoryFile before;
  private final MemoryFile next;
  private final BiConsumer<MemoryFile, MemoryFile> onCommit;
  private final Runnable onEnd;
  private final Hazard hazard;
  private final Set<Sabotage> sabotage;
  private final Map<RowKey, Long> pending;
  private final Set<RowKey> settled = new HashSet<>();

  /** Keys that were settled for the record at hand, with what its echo must find there. */
  private final Map<RowKey, Optional<RowImage>> echoes = new HashMap<>();

  private final Set<RowKey> vacated = new HashSet<>();
  private boolean open = true;

  MemoryApplyTransaction(
      MemoryFile before,
      BiConsumer<MemoryFile, MemoryFile> onCommit,
      Runnable onEnd,
      Hazard hazard,
      Set<Sabotage> sabotage) {
    this.before = before;
    this.next = before.copy();
    this.onCommit = onCommit;
    this.onEnd = onEnd;
    this.hazard = hazard;
    this.sabotage = sabotage;
    this.pending = new HashMap<>(before.pending());
    next.notes.clear();
  }

  @Override
  public RowKey key(RowImage image) {
    return SampleTable.key(image);
  }

  @Override
  public OptionalLong pendingSeq(RowKey key) {
    Long seq = pending.get(key);
    return seq == null ? OptionalLong.empty() : OptionalLong.of(seq);
  }

  @Override
  public void settle(RowKey key) {
    if (pending.remove(key) != null) {
      settled.add(key);
      echoes.put(key, Optional.ofNullable(next.rows.get(key)));
    }
  }

  @Override
  public Optional<RowImage> stored(RowImage image) {
    return Optional.ofNullable(next.rows.get(key(image)));
  }

  @Override
  public boolean hasUniqueIndexes(String table) {
    return SampleTable.named(table).uniqueColumns() > 0;
  }

  @Override
  public void vacate(RowImage image) {
    RowKey key = change("vacate", image);
    RowImage stored = next.rows.get(key);
    if (stored != null && !SampleTable.sameUniqueValues(stored, image)) {
      next.rows.remove(key);
      vacated.add(key);
    }
  }

  @Override
  public List<RowImage> colliders(RowImage image) {
    return next.colliders(image);
  }

  @Override
  public WriteResult write(RowImage image) {
    RowKey key = change("write", image);
    Violation.check(!image.tombstone(), "a tombstone is written to %s", SampleTable.show(key));
    checkEcho(key, Optional.of(image));
    List<RowImage> colliders = next.colliders(image);
    Violation.check(
        colliders.isEmpty(),
        "UNIQUE is broken: %s is written beside %s",
        image.values(),
        colliders);
    next.rows.put(key, SampleTable.withOver(image, false));
    vacated.remove(key);
    return WriteResult.Stored.STORED;
  }

  @Override
  public void delete(RowImage image) {
    RowKey key = change("delete", image);
    if (image.tombstone()) {
      checkEcho(key, Optional.empty());
    }
    next.rows.remove(key);
    vacated.remove(key);
  }

  private RowKey change(String what, RowImage image) {
    Violation.check(open, "%s after the end of the transaction", what);
    hazard.pass();
    RowKey key = key(image);
    Violation.check(
        !pending.containsKey(key),
        "%s of %s although a local write of it is pending",
        what,
        SampleTable.show(key));
    return key;
  }

  /** An own change set comes back: nothing else may stand there than what was captured. */
  private void checkEcho(RowKey key, Optional<RowImage> image) {
    Optional<RowImage> expected = echoes.remove(key);
    if (expected != null) {
      boolean same =
          expected.isPresent() == image.isPresent()
              && (expected.isEmpty() || expected.get().sameContent(image.orElseThrow()));
      Violation.check(
          same,
          "an own echo changes the settled row %s: %s becomes %s",
          SampleTable.show(key),
          expected.map(RowImage::values),
          image.map(RowImage::values));
    }
  }

  @Override
  public Optional<Parked> parked(RowKey key) {
    return Optional.ofNullable(next.parked.get(key));
  }

  @Override
  public List<Parked> parked() {
    return List.copyOf(next.parked.values());
  }

  @Override
  public List<RowKey> parkedKeys() {
    return parked().stream().map(Parked::key).toList();
  }

  @Override
  public List<Parked> parkedColliders(RowImage image) {
    RowKey key = key(image);
    return next.parked.values().stream()
        .filter(other -> !other.key().equals(key) && SampleTable.collide(other.image(), image))
        .toList();
  }

  @Override
  public void park(RowImage image, int origin) {
    RowKey key = change("park", image);
    next.parked.remove(key);
    next.parked.put(key, new Parked(key, SampleTable.withOver(image, false), origin));
    vacated.remove(key);
  }

  @Override
  public void unpark(RowKey key) {
    next.parked.remove(key);
  }

  @Override
  public Optional<RowImage> hidden(RowKey key) {
    return Optional.ofNullable(next.hidden.get(key));
  }

  @Override
  public List<RowImage> hiddenColliders(RowImage image) {
    RowKey key = key(image);
    return next.hidden.entrySet().stream()
        .filter(other -> !other.getKey().equals(key))
        .map(Map.Entry::getValue)
        .filter(other -> SampleTable.collide(other, image))
        .toList();
  }

  @Override
  public void hide(RowImage image) {
    RowKey key = key(image);
    Violation.check(
        pending.containsKey(key), "%s hides, and is not pending", SampleTable.show(key));
    next.hidden.put(key, image);
  }

  @Override
  public void unhide(RowKey key) {
    next.hidden.remove(key);
  }

  @Override
  public void skip(RowKey key) {
    next.skipped.add(key);
  }

  @Override
  public void unskip(RowKey key) {
    next.skipped.remove(key);
  }

  @Override
  public void hold(RowImage image, int origin, String reason) {
    long id = 1 + next.held.values().stream().mapToLong(Held::id).max().orElse(0);
    next.held.put(key(image), new Held(id, image, origin, reason));
  }

  @Override
  public Optional<Held> held(RowImage image) {
    return Optional.ofNullable(next.held.get(key(image)));
  }

  @Override
  public List<Held> heldBefore(long id, int limit) {
    return next.held.values().stream()
        .filter(held -> held.id() < id)
        .sorted(Comparator.comparingLong(Held::id).reversed())
        .limit(limit)
        .toList();
  }

  @Override
  public void unhold(RowImage image) {
    next.held.remove(key(image));
  }

  @Override
  public void stillHeld(RowImage image, String reason) {
    next.held.computeIfPresent(
        key(image), (key, held) -> new Held(held.id(), held.image(), held.origin(), reason));
  }

  @Override
  public void conflict(Conflict conflict) {
    next.addConflict(conflict);
  }

  @Override
  public void trimChangeLog(long maxSeq) {
    next.trimChangeLog(maxSeq);
    if (sabotage.contains(Sabotage.SEQ_REUSED) && next.newestSeq <= maxSeq) {
      next.changeLog.clear();
      next.newestSeq = 0;
      next.settledSeq = 0;
    }
  }

  @Override
  public void last(int origin, LastApplied last) {
    next.last.put(origin, last);
    echoes.clear();
  }

  @Override
  public void minEpoch(int origin, long epoch) {
    next.minEpoch.put(origin, epoch);
  }

  @Override
  public void addWriters(WriterEntry entry) {
    next.writers.addLast(entry);
    echoes.clear();
  }

  @Override
  public void windowStart(long position) {
    next.windowStart = position;
    next.writers.removeIf(entry -> entry.position() < position);
  }

  @Override
  public void position(long term, long index) {
    next.term = term;
    next.position = index;
  }

  /** Nothing waits here. */
  @Override
  public long lockedNanos() {
    return 0;
  }

  @Override
  public void commit() {
    Violation.check(open, "commit after the end of the transaction");
    hazard.pass();
    open = false;
    checkComplete();
    onCommit.accept(before, next);
    onEnd.run();
    hazard.pass();
  }

  private void checkComplete() {
    Violation.check(vacated.isEmpty(), "vacated rows were not written again: %s", vacated);
    for (RowKey key : next.pending().keySet()) {
      Violation.check(
          !settled.contains(key),
          "%s was settled, but its change log rows are kept",
          SampleTable.show(key));
      Violation.check(
          !next.parked.containsKey(key), "%s is parked and pending", SampleTable.show(key));
    }
    Violation.check(
        next.pending().keySet().containsAll(next.hidden.keySet()),
        "%s hide what the order log has, and not all are pending",
        next.hidden.keySet().stream().map(SampleTable::show).toList());
    for (RowKey key : next.parked.keySet()) {
      Violation.check(
          !next.rows.containsKey(key), "%s is parked and stored", SampleTable.show(key));
    }
  }

  @Override
  public void close() {
    open = false;
    onEnd.run();
  }
}
