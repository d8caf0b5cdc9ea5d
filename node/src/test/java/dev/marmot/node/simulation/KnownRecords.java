package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.LogId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The newest records that were ever proposed, and which chunks are committed: what anybody may
 * propose again. Confined to the simulation's thread.
 */
final class KnownRecords {
  private static final int NEWEST = 6;

  private final List<Record> records = new ArrayList<>();
  private final Map<ChangeSetId, Set<Integer>> chunks = new HashMap<>();

  /** An entry is proposed. */
  void proposed(int log, ByteString entry) {
    if (log != LogId.ORDER.number()) {
      return;
    }
    try {
      for (OrderItem item : OrderLogEntry.parseFrom(entry).getItemsList()) {
        if (item.hasRecord() && !item.getRecord().hasFence()) {
          records.add(item.getRecord());
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a proposal for the order log is no entry of it", e);
    }
  }

  /** An entry of a data shard is committed. */
  void stored(ByteString entry) {
    try {
      for (Chunk chunk : ShardEntry.parseFrom(entry).getChunksList()) {
        chunks
            .computeIfAbsent(Ids.of(chunk.getId()), unused -> new HashSet<>())
            .add(chunk.getIndex());
      }
    } catch (InvalidProtocolBufferException e) {
      return; // nobody has anything of it
    }
  }

  /** One of the newest records, when all its chunks are committed. */
  Optional<Record> complete(RandomGenerator random) {
    if (records.isEmpty()) {
      return Optional.empty();
    }
    int newest = Math.min(NEWEST, records.size());
    Record record = records.get(records.size() - 1 - random.nextInt(newest));
    int committed = chunks.getOrDefault(Ids.of(record.getId()), Set.of()).size();
    return committed == record.getChunks() ? Optional.of(record) : Optional.empty();
  }

  /** The record alone in an entry. */
  static ByteString entry(Record record) {
    return OrderLogEntry.newBuilder()
        .setFormat(1)
        .addItems(OrderItem.newBuilder().setRecord(record))
        .build()
        .toByteString();
  }
}
