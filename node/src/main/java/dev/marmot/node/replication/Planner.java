package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.Plan.Action;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.codec.CodecException;
import dev.marmot.sqlite.codec.Slicer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Decides what to apply next: a function of the committed state, the order log and the chunks that
 * are here. It changes nothing, takes no lock, and does the reading and decompressing before the
 * write lock is taken. Confined to the applier thread.
 */
final class Planner {
  /**
   * Bytes of row images from which on a plan takes no further entry: it is whole in memory. One
   * entry may have more, as much as one change set or the records that share it.
   */
  static final long MOST_BYTES = 4 << 20;

  private final OrderedLogs logs;
  private final ChunkIndex chunks;
  private final ProtocolRules rules;

  Planner(OrderedLogs logs, ChunkIndex chunks, ProtocolRules rules) {
    this.logs = logs;
    this.chunks = chunks;
    this.rules = rules;
  }

  /**
   * The next transaction; empty when nothing is there or the next entry waits for its chunks.
   *
   * @param maxRows an entry is added to a plan while it has fewer rows than this
   */
  Optional<Plan> next(ReplicaState state, int maxRows) {
    List<Plan.Entry> entries = new ArrayList<>();
    if (behindOwnFloor(state)) {
      return Optional.empty();
    }
    OrderState order = new OrderState(state, rules);
    long newest = logs.committed(LogId.ORDER);
    int rows = 0;
    long bytes = 0;
    for (long index = state.position() + 1;
        index <= newest && rows < maxRows && bytes < MOST_BYTES;
        index++) {
      OrderedLogs.Read read = logs.read(LogId.ORDER, index);
      if (read instanceof OrderedLogs.Unavailable && rules.keep(Rule.READ_SAYS_WHICH)) {
        break; // it comes back: nothing behind it is applied
      }
      if (!(read instanceof OrderedLogs.Entry found)) {
        continue; // an entry of Raft's own
      }
      OrderLogEntry entry = entry(index, found.bytes());
      if (!entries.isEmpty() && acceptsFence(order, entry)) {
        break; // a fence sees exactly the state at its position, so it gets its own transaction
      }
      Optional<List<Action>> actions = actions(order, index, entry);
      if (actions.isEmpty()) {
        break; // a chunk has not arrived here yet: nothing behind it is applied
      }
      entries.add(new Plan.Entry(index, found.term(), actions.get()));
      rows += actions.get().stream().mapToInt(Planner::rows).sum();
      bytes += actions.get().stream().mapToLong(Planner::bytes).sum();
      if (actions.get().stream().anyMatch(Action.Fire.class::isInstance)) {
        break;
      }
    }
    return entries.isEmpty() ? Optional.empty() : Optional.of(new Plan(entries));
  }

  /** Bytes that are no entry say nothing, on every node. */
  private OrderLogEntry entry(long index, ByteString bytes) {
    Optional<OrderLogEntry> entry = Formats.orderLogEntry(index, bytes);
    if (entry.isEmpty()) {
      if (!rules.keep(Rule.PASS_OVER_UNREADABLE)) {
        throw new ProtocolViolation("cannot read entry " + index + " of the order log");
      }
      chunks.unreadable().met(LogId.ORDER, index);
    }
    return entry.orElse(OrderLogEntry.getDefaultInstance());
  }

  /**
   * Whether this node's own logs begin after its position: its file was lost or set back. What is
   * missing comes with a snapshot only.
   */
  private boolean behindOwnFloor(ReplicaState state) {
    return rules.keep(Rule.OWN_FLOOR_HOLDS_BACK) && state.position() < Floors.needed(logs);
  }

  private static int rows(Action action) {
    return action instanceof Action.Apply apply ? apply.changes().rows().size() : 0;
  }

  private static long bytes(Action action) {
    return action instanceof Action.Apply apply ? Slicer.rawBytes(apply.changes().rows()) : 0;
  }

  private static boolean acceptsFence(OrderState order, OrderLogEntry entry) {
    return entry.getItemsList().stream()
        .filter(OrderItem::hasRecord)
        .map(OrderItem::getRecord)
        .anyMatch(
            record ->
                record.hasFence()
                    && order.judge(ChangeSetId.of(record.getId())) == Verdict.ACCEPTED);
  }

  private Optional<List<Action>> actions(OrderState order, long index, OrderLogEntry entry) {
    List<Action> actions = new ArrayList<>();
    for (OrderItem item : entry.getItemsList()) {
      if (item.hasEpoch()) {
        long opened =
            item.getEpoch().getRemoved() ? ReplicaState.REMOVED : item.getEpoch().getEpoch();
        int origin = item.getEpoch().getOrigin();
        actions.add(new Action.OpenEpoch(origin, order.openEpoch(origin, opened)));
        continue;
      }
      Record record = item.getRecord();
      ChangeSetId id = ChangeSetId.of(record.getId());
      if (order.judge(id) != Verdict.ACCEPTED) {
        continue;
      }
      Optional<List<RowImage>> rows = rows(index, id, record);
      if (rows.isEmpty()) {
        return Optional.empty();
      }
      order.accept(id, record.getMaxSeq(), record.getFile());
      ChangeSet changes =
          new ChangeSet(id, record.getMaxSeq(), record.getFile(), record.getBase(), rows.get());
      actions.add(
          record.hasFence()
              ? new Action.Fire(changes, record.getFence())
              : new Action.Apply(changes));
    }
    return Optional.of(actions);
  }

  /** Rows that nobody can decode, since everybody has the same bytes, are none. */
  private Optional<List<RowImage>> rows(long index, ChangeSetId id, Record record) {
    try {
      return rows(id, record);
    } catch (CodecException e) {
      if (!rules.keep(Rule.PASS_OVER_UNREADABLE)) {
        throw e;
      }
      chunks.unreadable().met(LogId.ORDER, index);
      return Optional.of(List.of());
    }
  }

  private Optional<List<RowImage>> rows(ChangeSetId id, Record record) {
    if (record.getChunks() == 0) {
      return Optional.of(
          record.getInlineRows().isEmpty()
              ? List.of()
              : ChangeSetCodec.decode(record.getInlineRows().toByteArray()));
    }
    return chunks.read(logs, id, record.getChunks()).map(pieces -> decode(id, record, pieces));
  }

  private List<RowImage> decode(ChangeSetId id, Record record, List<Chunk> pieces) {
    if (rules.keep(Rule.ALL_CHUNKS)) {
      checkChecksum(id, record, pieces);
    }
    List<RowImage> rows = new ArrayList<>();
    ByteString frame = ByteString.EMPTY;
    for (int i = 0; i < pieces.size(); i++) {
      Chunk piece = pieces.set(i, Chunk.getDefaultInstance()); // nobody needs it twice
      frame = frame.concat(piece.getRows());
      if (!piece.getContinues()) {
        byte[] whole = frame.toByteArray();
        frame = ByteString.EMPTY;
        rows.addAll(ChangeSetCodec.decode(whole));
      }
    }
    return rows;
  }

  private static void checkChecksum(ChangeSetId id, Record record, List<Chunk> pieces) {
    long checksum = Checksum.of(pieces.stream().map(Chunk::getRows).toList());
    if (checksum != record.getChecksum()) {
      throw new ProtocolViolation(
          "cannot apply change set %s: its %d chunks have checksum %016x, its record says %016x"
              .formatted(id, pieces.size(), checksum, record.getChecksum()));
    }
  }
}
