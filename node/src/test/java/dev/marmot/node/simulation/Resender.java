package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * {@link Sabotage#NEW_BYTES_AT_RETRY}: what an origin does that reads its rows again for each
 * proposal of a chunk. Confined to the simulation's thread.
 */
final class Resender {
  private record Place(ChangeSetId id, int index) {}

  private final MemoryDisk disk;
  private final Set<Place> sent = new HashSet<>();

  Resender(MemoryDisk disk) {
    this.disk = disk;
  }

  ByteString rewrite(LogId log, ByteString entry) {
    if (log.isOrderLog()) {
      return entry;
    }
    try {
      ShardEntry.Builder rewritten = ShardEntry.newBuilder().setFormat(1);
      for (Chunk chunk : ShardEntry.parseFrom(entry).getChunksList()) {
        boolean again = !sent.add(new Place(Ids.of(chunk.getId()), chunk.getIndex()));
        rewritten.addChunks(again ? ofNow(chunk) : chunk);
      }
      return rewritten.build().toByteString();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a proposal for a data shard is no entry of it", e);
    }
  }

  private Chunk ofNow(Chunk chunk) {
    List<RowImage> rows = new ArrayList<>();
    for (RowImage row : ChangeSetCodec.decode(chunk.getRows().toByteArray())) {
      RowImage stored = disk.current().rows.get(SampleTable.key(row));
      rows.add(stored != null ? stored : SampleTable.tombstone(SampleTable.key(row)));
    }
    return chunk.toBuilder().setRows(ByteString.copyFrom(ChangeSetCodec.encode(rows))).build();
  }
}
