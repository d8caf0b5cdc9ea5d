package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.Record;
import java.util.ArrayList;
import java.util.List;

/**
 * A change set of this node that is not decided yet: the same id and the same bytes at each retry.
 * Confined to the origin's thread.
 */
final class InFlight {
  private final ChangeSetId id;
  private final Record record;
  private final int rows;
  private final long rawBytes;
  private final List<Piece> pieces = new ArrayList<>();
  private final Attempt recordAttempt = new Attempt();
  private long bytes;

  InFlight(ChangeSetId id, Record record, int rows, long rawBytes) {
    this.id = id;
    this.record = record;
    this.rows = rows;
    this.rawBytes = rawBytes;
    this.bytes = record.getInlineRows().size();
  }

  void addPiece(ByteString compressed, boolean continues, int shard) {
    pieces.add(new Piece(pieces.size(), compressed, continues, shard));
    bytes += compressed.size();
  }

  ChangeSetId id() {
    return id;
  }

  Record record() {
    return record;
  }

  int rows() {
    return rows;
  }

  /** Bytes of its images before they were compressed. */
  long rawBytes() {
    return rawBytes;
  }

  long bytes() {
    return bytes;
  }

  List<Piece> pieces() {
    return pieces;
  }

  /** The state of the record's proposal. */
  Attempt recordAttempt() {
    return recordAttempt;
  }

  /** Whether every chunk is known to be committed, so that the record may be proposed. */
  boolean chunksCommitted() {
    return pieces.stream().allMatch(piece -> piece.attempt().isCommitted());
  }

  /** One chunk and where it goes. */
  static final class Piece {
    private final int index;
    private final ByteString compressed;
    private final boolean continues;
    private final Attempt attempt = new Attempt();
    private int shard;

    private Piece(int index, ByteString compressed, boolean continues, int shard) {
      this.index = index;
      this.compressed = compressed;
      this.continues = continues;
      this.shard = shard;
    }

    int index() {
      return index;
    }

    ByteString compressed() {
      return compressed;
    }

    /** Whether the compressed frame goes on in the next chunk. */
    boolean continues() {
      return continues;
    }

    Attempt attempt() {
      return attempt;
    }

    int shard() {
      return shard;
    }

    /** A retry may use another shard: placement has no meaning. */
    void moveTo(int other) {
      shard = other;
    }
  }
}
