package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.LogId;
import java.util.List;
import java.util.Optional;

/**
 * Reads the entries of the raft logs. Stateless.
 *
 * <p>Bytes that no version ever wrote are an entry without effect: they are the same bytes on every
 * node, so every node passes over them. An entry of a newer format is another matter: who knows it
 * applies it, so who does not must stop.
 */
final class Formats {
  /** What this version writes, and the newest that it reads. */
  static final int CURRENT = 1;

  /** Far more chunks than the largest change set has. */
  private static final int MOST_CHUNKS = 1 << 20;

  private Formats() {}

  /** What an entry of the order log says; empty when it is none. */
  static Optional<OrderLogEntry> orderLogEntry(long index, ByteString bytes) {
    try {
      OrderLogEntry entry = OrderLogEntry.parseFrom(bytes);
      check(LogId.ORDER, index, entry.getFormat());
      return entry.getFormat() < 1 ? Optional.empty() : Optional.of(entry);
    } catch (InvalidProtocolBufferException e) {
      check(LogId.ORDER, index, formatOf(bytes));
      return Optional.empty();
    }
  }

  /** The chunks in an entry of a data shard; empty when it is none. */
  static Optional<List<Chunk>> chunks(LogId log, long index, ByteString bytes) {
    try {
      ShardEntry entry = ShardEntry.parseFrom(bytes);
      check(log, index, entry.getFormat());
      return entry.getFormat() < 1 || !entry.getChunksList().stream().allMatch(Formats::possible)
          ? Optional.empty()
          : Optional.of(entry.getChunksList());
    } catch (InvalidProtocolBufferException e) {
      check(log, index, formatOf(bytes));
      return Optional.empty();
    }
  }

  private static boolean possible(Chunk chunk) {
    int count = chunk.getCount();
    return count > 0 && count <= MOST_CHUNKS && chunk.getIndex() >= 0 && chunk.getIndex() < count;
  }

  private static void check(LogId log, long index, long format) {
    if (format > CURRENT) {
      throw new ProtocolViolation(
          "cannot read entry %d of the raft log of %s: it has format %d, this version reads up to %d; upgrade this node"
              .formatted(index, log, format, CURRENT));
    }
  }

  /** A newer format need not have the fields of this one, but has its number in the same place. */
  private static long formatOf(ByteString bytes) {
    try {
      List<Long> numbers =
          UnknownFieldSet.parseFrom(bytes)
              .getField(OrderLogEntry.FORMAT_FIELD_NUMBER)
              .getVarintList();
      return numbers.isEmpty() ? 0 : numbers.get(numbers.size() - 1);
    } catch (InvalidProtocolBufferException e) {
      return 0;
    }
  }
}
