package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.node.simulation.Captures.Capture;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the order log says, by a second and simpler reading of protocol.md than the one under test:
 * the verdict on each record, and the rows of a node without local writes at each position.
 * Confined to the simulation's thread.
 */
final class OrderReference {
  /**
   * An accepted record.
   *
   * @param slot place among the accepted records at its position
   * @param keyHashes of the rows that it writes
   */
  record Accepted(
      long position, int slot, ChangeSetId id, long file, Set<Long> keyHashes, boolean fence) {}

  /** Everything at one position. */
  record Snapshot(
      Map<Integer, LastApplied> last,
      Map<Integer, Long> minEpoch,
      Map<RowKey, RowImage> rows,
      List<Accepted> accepted) {}

  private final Captures captures;
  private final WriteLedger ledger;
  private final Coverage coverage;
  private final Map<Integer, LastApplied> last = new HashMap<>();
  private final Map<Integer, Long> minEpoch = new HashMap<>();
  private final Map<RowKey, RowImage> rows = new HashMap<>();
  private final List<Snapshot> snapshots = new ArrayList<>();
  private final ConflictReference conflicts;

  OrderReference(Captures captures, WriteLedger ledger, Coverage coverage, int windowKeys) {
    this.conflicts = new ConflictReference(windowKeys);
    this.captures = captures;
    this.ledger = ledger;
    this.coverage = coverage;
  }

  /** State after the entry at an index. */
  Snapshot at(long index) {
    return snapshots.get((int) index);
  }

  ConflictReference conflicts() {
    return conflicts;
  }

  long minEpoch(int origin) {
    return minEpoch.getOrDefault(origin, 0L);
  }

  /** The next entry of the order log is committed. */
  void ordered(@Nullable ByteString bytes, long index) {
    List<Accepted> accepted = new ArrayList<>();
    if (bytes == null) {
      coverage.count(Event.RAFT_ENTRIES);
    } else {
      for (OrderItem item : parse(bytes).getItemsList()) {
        if (item.hasEpoch()) {
          open(item.getEpoch());
        } else {
          judge(item.getRecord(), index, accepted);
        }
      }
      conflicts.passed(index); // Raft's own entries are nobody's: nothing is done at them
    }
    Map<RowKey, RowImage> now =
        snapshots.isEmpty() || !accepted.isEmpty() ? Map.copyOf(rows) : at(index - 1).rows();
    snapshots.add(new Snapshot(Map.copyOf(last), Map.copyOf(minEpoch), now, accepted));
  }

  /** What is no entry says nothing. */
  private static OrderLogEntry parse(ByteString bytes) {
    try {
      OrderLogEntry entry = OrderLogEntry.parseFrom(bytes);
      return entry.getFormat() == 1 ? entry : OrderLogEntry.getDefaultInstance();
    } catch (InvalidProtocolBufferException e) {
      return OrderLogEntry.getDefaultInstance();
    }
  }

  private void open(Epoch epoch) {
    long opened = epoch.getRemoved() ? ReplicaState.REMOVED : epoch.getEpoch();
    coverage.count(opened > minEpoch(epoch.getOrigin()) ? Event.EPOCHS : Event.DUPLICATES);
    minEpoch.merge(epoch.getOrigin(), opened, Math::max);
  }

  private void judge(Record record, long index, List<Accepted> accepted) {
    ChangeSetId id = Ids.of(record.getId());
    LastApplied newest = last.getOrDefault(id.origin(), LastApplied.NONE);
    if (minEpoch(id.origin()) == 0) {
      coverage.count(Event.RECORDS_OF_NOBODY);
    } else if (id.epoch() < minEpoch(id.origin())) {
      coverage.count(Event.DEAD_RECORDS);
    } else if (id.epoch() < newest.epoch()
        || (id.epoch() == newest.epoch() && id.number() <= newest.number())) {
      coverage.count(Event.DUPLICATES);
    } else if (id.number() != (id.epoch() == newest.epoch() ? newest.number() : 0) + 1) {
      coverage.count(Event.GAPS);
    } else {
      accept(id, record, index, accepted);
    }
  }

  private void accept(ChangeSetId id, Record record, long index, List<Accepted> accepted) {
    Violation.check(
        id.epoch() == minEpoch(id.origin()),
        "change set %s is ordered before its epoch, which is %d",
        id,
        minEpoch(id.origin()));
    Violation.check(record.getBase() < index, "change set %s has base %d", id, record.getBase());
    Set<Long> hashes = new HashSet<>();
    if (record.hasFence()) {
      coverage.count(Event.FENCES);
      conflicts.fence(index, id.origin());
    } else {
      Capture capture = captures.named(id);
      checkCauses(id, capture);
      capture.changes().rows().forEach(row -> hashes.add(row.keyHash()));
      deliver(id, capture);
      conflicts.apply(index, id.origin(), capture.changes(), rows);
      coverage.count(Event.INLINE_RECORDS, record.getChunks() == 0 ? 1 : 0);
    }
    last.put(
        id.origin(),
        last.getOrDefault(id.origin(), LastApplied.NONE)
            .next(
                id.epoch(),
                id.number(),
                record.getMaxSeq(),
                record.getFile(),
                !record.hasFence(),
                record.getBase()));
    accepted.add(
        new Accepted(index, accepted.size(), id, record.getFile(), hashes, record.hasFence()));
    coverage.count(Event.ACCEPTED);
    Trace.print("  %s accepted at %d, maxSeq %d", id, index, record.getMaxSeq());
  }

  /** What the origin had applied when it captured comes before it. */
  private void checkCauses(ChangeSetId id, Capture capture) {
    capture
        .seen()
        .forEach(
            (origin, seen) -> {
              LastApplied ordered = last.getOrDefault(origin, LastApplied.NONE);
              Violation.check(
                  seen.epoch() < ordered.epoch()
                      || (seen.epoch() == ordered.epoch() && seen.number() <= ordered.number()),
                  "change set %s had seen %s of n%d, and is ordered after %s",
                  id,
                  seen,
                  origin,
                  ordered);
            });
  }

  private void deliver(ChangeSetId id, Capture capture) {
    capture.covered().forEach(write -> write.covered = true);
    for (RowImage row : capture.changes().rows()) {
      Long token =
          row.tombstone()
              ? capture.deletes().get(SampleTable.key(row))
              : Long.valueOf(SampleTable.token(row));
      LocalWrite write = token == null ? null : ledger.write(token);
      if (write != null && write.node == id.origin() && write.key.equals(SampleTable.key(row))) {
        write.delivered.add(id);
      } else if (write != null && write.node == id.origin()) {
        write.covered = true; // a row that it displaced travels for it
      }
    }
  }
}
