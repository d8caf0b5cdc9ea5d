package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.InFlight.Piece;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.ShardEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Packs chunks that go to the same shard at the same moment into entries. Confined to one thread.
 */
final class EntryPacker {
  private static final int MOST_BYTES = 1 << 20;

  private final Map<Integer, Draft> open = new TreeMap<>();
  private final List<Entry> full = new ArrayList<>();

  void add(InFlight f, Piece piece) {
    Chunk chunk =
        Chunk.newBuilder()
            .setId(f.id().toWire())
            .setIndex(piece.index())
            .setCount(f.pieces().size())
            .setRows(piece.compressed())
            .setContinues(piece.continues())
            .build();
    Draft draft = open.get(piece.shard());
    if (draft != null && draft.bytes + chunk.getSerializedSize() > MOST_BYTES) {
      full.add(draft.entry(piece.shard()));
      draft = null;
    }
    if (draft == null) {
      draft = new Draft();
      open.put(piece.shard(), draft);
    }
    draft.builder.addChunks(chunk);
    draft.attempts.add(piece.attempt());
    draft.bytes += chunk.getSerializedSize();
  }

  List<Entry> entries() {
    List<Entry> all = new ArrayList<>(full);
    open.forEach((shard, draft) -> all.add(draft.entry(shard)));
    return all;
  }

  /** An entry for a shard, and the proposals that it carries. */
  record Entry(int shard, ByteString bytes, List<Attempt> attempts) {}

  private static final class Draft {
    private final ShardEntry.Builder builder = ShardEntry.newBuilder().setFormat(Formats.CURRENT);
    private final List<Attempt> attempts = new ArrayList<>();
    private int bytes;

    private Entry entry(int shard) {
      return new Entry(shard, builder.build().toByteString(), List.copyOf(attempts));
    }
  }
}
