package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.Record;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.codec.Slicer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/** Cuts what was captured into chunks and writes its record. Immutable. */
final class Cutter {
  /** Most bytes of one chunk, so that it fits a raft log entry. */
  private static final int MOST_BYTES = 1 << 20;

  private final int self;
  private final IntSupplier shards;
  private final int inlineLimit;
  private final int pieceBytes;

  /**
   * @param shards number of data shards now; where a chunk goes has no meaning
   */
  Cutter(int self, IntSupplier shards, int inlineLimit, int pieceBytes) {
    this.self = self;
    this.shards = shards;
    this.inlineLimit = inlineLimit;
    this.pieceBytes = pieceBytes;
  }

  InFlight cut(ChangeSetId id, CapturedChanges captured) {
    if (id.origin() != self) {
      throw new ProtocolViolation("cannot cut change set " + id + ": it is not of node " + self);
    }
    List<Piece> pieces = new ArrayList<>();
    for (List<RowImage> rows : Slicer.slice(captured.rows(), pieceBytes)) {
      addPieces(pieces, rows);
    }
    boolean inline = pieces.size() == 1 && pieces.get(0).bytes().size() < inlineLimit;
    Record.Builder record =
        Record.newBuilder()
            .setId(id.toWire())
            .setChecksum(Checksum.of(pieces.stream().map(Piece::bytes).toList()))
            .setMaxSeq(captured.maxSeq())
            .setFile(captured.file())
            .setBase(captured.base())
            .setSchemaVersion(captured.schemaVersion());
    if (inline) {
      record.setInlineRows(pieces.get(0).bytes());
      return inFlight(id, record.build(), captured);
    }
    InFlight f = inFlight(id, record.setChunks(pieces.size()).build(), captured);
    for (Piece piece : pieces) {
      f.addPiece(piece.bytes(), piece.continues(), piece.shard());
    }
    return f;
  }

  private static InFlight inFlight(ChangeSetId id, Record record, CapturedChanges captured) {
    return new InFlight(id, record, captured.rows().size(), Slicer.rawBytes(captured.rows()));
  }

  /** Compresses rows; a frame that is too large for one log entry continues in further pieces. */
  private void addPieces(List<Piece> pieces, List<RowImage> rows) {
    ByteString frame = UnsafeByteOperations.unsafeWrap(ChangeSetCodec.encodeUnbounded(rows));
    int shard = 1 + (int) Long.remainderUnsigned(rows.get(0).keyHash(), shards.getAsInt());
    for (int from = 0; from < frame.size(); from += MOST_BYTES) {
      int to = Math.min(frame.size(), from + MOST_BYTES);
      pieces.add(new Piece(frame.substring(from, to), to < frame.size(), shard));
    }
  }

  /** A fence is a change set without rows: its number makes it happen exactly once. */
  InFlight fence(ChangeSetId id, Fence fence, long maxSeq, ReplicaState state) {
    Record record =
        Record.newBuilder()
            .setId(id.toWire())
            .setMaxSeq(maxSeq)
            .setFile(state.file())
            .setBase(state.position())
            .setSchemaVersion(state.schemaVersion())
            .setFence(fence)
            .build();
    return new InFlight(id, record, 0, 0);
  }

  private record Piece(ByteString bytes, boolean continues, int shard) {}
}
