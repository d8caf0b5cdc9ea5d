package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What each change set was captured from: links the ids seen in proposals with what the store gave
 * to the origin, and watches that an id always travels with the same bytes. Confined to the
 * simulation's thread.
 */
final class Captures {
  /**
   * One capture, as the store saw it.
   *
   * @param seen what was applied at the origin in the same read transaction
   * @param deletes for each captured tombstone, the write that made it
   * @param keptAway keys from which a foreign image was kept away
   * @param covered the surviving writes up to its newest change log row
   */
  record Capture(
      int node,
      CapturedChanges changes,
      Map<Integer, LastApplied> seen,
      Map<RowKey, Long> deletes,
      Set<RowKey> keptAway,
      List<LocalWrite> covered) {}

  private final WriteLedger ledger;
  private final Coverage coverage;
  private final Map<Integer, Deque<Capture>> unnamed = new HashMap<>();
  private final Map<ChangeSetId, Capture> named = new HashMap<>();
  private final Map<ChangeSetId, Map<Integer, ByteString>> bytes = new HashMap<>();

  Captures(WriteLedger ledger, Coverage coverage) {
    this.ledger = ledger;
    this.coverage = coverage;
  }

  /** An origin captured. */
  void captured(int node, CapturedChanges changes, MemoryFile file) {
    coverage.count(Event.CAPTURES);
    coverage.count(Event.SPLIT_CAPTURES, changes.complete() ? 0 : 1);
    if (Trace.ON) {
      Trace.print("  n%d captures %s up to %d", node, Trace.rows(changes.rows()), changes.maxSeq());
    }
    List<LocalWrite> covered = ledger.coveredBy(node, file.file, changes.maxSeq());
    Set<RowKey> keptAway = new HashSet<>(file.skipped);
    keptAway.addAll(file.parked.keySet());
    queue(node)
        .addLast(
            new Capture(
                node, changes, Map.copyOf(file.last), Map.copyOf(file.deletes), keptAway, covered));
  }

  /** The process of a node is gone: what it captured and did not propose never travels. */
  void processDied(int node) {
    queue(node).clear();
  }

  /** The capture behind a change set with rows. */
  Capture named(ChangeSetId id) {
    Capture capture = named.get(id);
    if (capture == null) {
      throw new Violation("change set " + id + " was never captured");
    }
    return capture;
  }

  /** A node proposed an entry. */
  void proposed(int node, int log, ByteString entry) {
    try {
      if (log == LogId.ORDER.number()) {
        for (OrderItem item : OrderLogEntry.parseFrom(entry).getItemsList()) {
          if (item.hasRecord() && !item.getRecord().hasFence()) {
            name(node, item.getRecord());
          }
        }
        return;
      }
      for (Chunk chunk : ShardEntry.parseFrom(entry).getChunksList()) {
        chunk(chunk);
      }
    } catch (InvalidProtocolBufferException e) {
      throw new Violation("node " + node + " proposed bytes that are no entry: " + e.getMessage());
    }
  }

  private void chunk(Chunk chunk) {
    ChangeSetId id = Ids.of(chunk.getId());
    Map<Integer, ByteString> known = bytes.computeIfAbsent(id, unused -> new HashMap<>());
    if (known.isEmpty() && chunk.getCount() > 1) {
      coverage.count(Event.MULTI_CHUNK_CHANGE_SETS);
    }
    coverage.count(Event.CHUNKS);
    ByteString first = known.putIfAbsent(chunk.getIndex(), chunk.getRows());
    Violation.check(
        first == null || first.equals(chunk.getRows()),
        "chunk %d of change set %s has other bytes than before",
        chunk.getIndex(),
        id);
  }

  /** Links an id with the newest capture that the record can be of. */
  private void name(int node, Record record) {
    ChangeSetId id = Ids.of(record.getId());
    if (named.containsKey(id)) {
      return;
    }
    Violation.check(id.origin() == node, "node %d proposes change set %s", node, id);
    Iterator<Capture> newestFirst = queue(node).descendingIterator();
    while (newestFirst.hasNext()) {
      Capture capture = newestFirst.next();
      if (capture.changes().maxSeq() == record.getMaxSeq()
          && capture.changes().file() == record.getFile()
          && capture.changes().base() == record.getBase()) {
        named.put(id, capture);
        newestFirst.remove();
        return;
      }
    }
    throw new Violation("change set " + id + " was never captured");
  }

  private Deque<Capture> queue(int node) {
    return unnamed.computeIfAbsent(node, unused -> new ArrayDeque<>());
  }
}
