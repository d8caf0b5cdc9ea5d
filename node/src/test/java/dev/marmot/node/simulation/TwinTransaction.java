package dev.marmot.node.simulation;

import static dev.marmot.node.simulation.TwinStore.same;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** One apply transaction on both stores of a {@link TwinStore}. */
final class TwinTransaction implements ApplyTransaction {
  private final ApplyTransaction memory;
  private final ApplyTransaction real;
  private final long memoryFile;
  private final long realFile;

  TwinTransaction(ApplyTransaction memory, ApplyTransaction real, long memoryFile, long realFile) {
    this.memory = memory;
    this.real = real;
    this.memoryFile = memoryFile;
    this.realFile = realFile;
  }

  private RowKey its(RowKey key) {
    return real.key(SampleTable.tombstone(key));
  }

  private static List<String> text(Collection<RowImage> rows) {
    return rows.stream().map(Trace::text).sorted().toList();
  }

  private static List<String> parkedText(Collection<Parked> parked) {
    return parked.stream().map(one -> Trace.text(one.image()) + one.origin()).sorted().toList();
  }

  @Override
  public RowKey key(RowImage image) {
    return memory.key(image);
  }

  @Override
  public OptionalLong pendingSeq(RowKey key) {
    OptionalLong seq = memory.pendingSeq(key);
    same("pending " + SampleTable.show(key), seq, real.pendingSeq(its(key)));
    return seq;
  }

  @Override
  public void settle(RowKey key) {
    memory.settle(key);
    real.settle(its(key));
  }

  @Override
  public Optional<RowImage> stored(RowImage image) {
    Optional<RowImage> row = memory.stored(image);
    same("stored", TwinStore.text(row), TwinStore.text(real.stored(image)));
    return row;
  }

  @Override
  public boolean hasUniqueIndexes(String table) {
    same("indexes", memory.hasUniqueIndexes(table), real.hasUniqueIndexes(table));
    return memory.hasUniqueIndexes(table);
  }

  @Override
  public void vacate(RowImage image) {
    memory.vacate(image);
    real.vacate(image);
  }

  @Override
  public List<RowImage> colliders(RowImage image) {
    List<RowImage> rows = memory.colliders(image);
    same("colliders", text(rows), text(real.colliders(image)));
    return rows;
  }

  @Override
  public WriteResult write(RowImage image) {
    WriteResult result = memory.write(image);
    same("write of " + Trace.text(image), result, real.write(image));
    return result;
  }

  @Override
  public void delete(RowImage image) {
    memory.delete(image);
    real.delete(image);
  }

  @Override
  public Optional<Parked> parked(RowKey key) {
    Optional<Parked> parked = memory.parked(key);
    same(
        "parked " + SampleTable.show(key),
        parkedText(parked.stream().toList()),
        parkedText(real.parked(its(key)).stream().toList()));
    return parked;
  }

  @Override
  public List<Parked> parked() {
    List<Parked> parked = memory.parked();
    same("all parked", parkedText(parked), parkedText(real.parked()));
    return parked;
  }

  @Override
  public List<RowKey> parkedKeys() {
    return parked().stream().map(Parked::key).toList();
  }

  @Override
  public List<Parked> parkedColliders(RowImage image) {
    List<Parked> parked = memory.parkedColliders(image);
    same("parked colliders", parkedText(parked), parkedText(real.parkedColliders(image)));
    return parked;
  }

  @Override
  public void park(RowImage image, int origin) {
    memory.park(image, origin);
    real.park(image, origin);
  }

  @Override
  public void unpark(RowKey key) {
    memory.unpark(key);
    real.unpark(its(key));
  }

  @Override
  public Optional<RowImage> hidden(RowKey key) {
    Optional<RowImage> hidden = memory.hidden(key);
    same("hidden", TwinStore.text(hidden), TwinStore.text(real.hidden(its(key))));
    return hidden;
  }

  @Override
  public List<RowImage> hiddenColliders(RowImage image) {
    List<RowImage> hidden = memory.hiddenColliders(image);
    same("hidden colliders", text(hidden), text(real.hiddenColliders(image)));
    return hidden;
  }

  @Override
  public void hide(RowImage image) {
    memory.hide(image);
    real.hide(image);
  }

  @Override
  public void unhide(RowKey key) {
    memory.unhide(key);
    real.unhide(its(key));
  }

  @Override
  public void skip(RowKey key) {
    memory.skip(key);
    real.skip(its(key));
  }

  @Override
  public void unskip(RowKey key) {
    memory.unskip(key);
    real.unskip(its(key));
  }

  @Override
  public void hold(RowImage image, int origin, String reason) {
    memory.hold(image, origin, reason);
    real.hold(image, origin, reason);
  }

  @Override
  public Optional<Held> held(RowImage image) {
    Optional<Held> held = memory.held(image);
    same("held", heldText(held.stream().toList()), heldText(real.held(image).stream().toList()));
    return held;
  }

  @Override
  public List<Held> heldBefore(long id, int limit) {
    List<Held> held = memory.heldBefore(id, limit);
    same("all held", heldText(held), heldText(real.heldBefore(id, limit)));
    return held;
  }

  private static List<String> heldText(List<Held> held) {
    return held.stream().map(h -> h.origin() + " " + Trace.text(h.image())).toList();
  }

  @Override
  public void unhold(RowImage image) {
    memory.unhold(image);
    real.unhold(image);
  }

  @Override
  public void stillHeld(RowImage image, String reason) {
    memory.stillHeld(image, reason);
    real.stillHeld(image, reason);
  }

  @Override
  public void conflict(Conflict conflict) {
    memory.conflict(conflict);
    real.conflict(conflict);
  }

  @Override
  public void trimChangeLog(long maxSeq) {
    memory.trimChangeLog(maxSeq);
    real.trimChangeLog(maxSeq);
  }

  @Override
  public void last(int origin, LastApplied last) {
    memory.last(origin, last);
    long file = last.file() == memoryFile ? realFile : last.file();
    real.last(
        origin, new LastApplied(last.epoch(), last.number(), last.maxSeq(), file, last.base()));
  }

  @Override
  public void minEpoch(int origin, long epoch) {
    memory.minEpoch(origin, epoch);
    real.minEpoch(origin, epoch);
  }

  @Override
  public void addWriters(WriterEntry entry) {
    memory.addWriters(entry);
    real.addWriters(entry);
  }

  @Override
  public void windowStart(long position) {
    memory.windowStart(position);
    real.windowStart(position);
  }

  @Override
  public void position(long term, long index) {
    memory.position(term, index);
    real.position(term, index);
  }

  @Override
  public long lockedNanos() {
    return memory.lockedNanos();
  }

  /** The real one commits inside the memory store's commit, so that a crash hits both or none. */
  @Override
  public void commit() {
    memory.commit();
  }

  @Override
  public void close() {
    memory.close();
    real.close();
  }
}
