package dev.marmot.raft.ratis;

import dev.marmot.proto.v1.LogFloor;
import dev.marmot.raft.Floor;
import java.util.List;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.statemachine.SnapshotInfo;

/**
 * The floor of a log copy in the words of Raft. Immutable.
 *
 * @param term of the entry just below the floor
 */
record CopyStart(long term, Floor floor) {
  /** The last entry that this copy does not need. */
  TermIndex below() {
    return TermIndex.valueOf(term, floor.index() - 1);
  }

  /** What Ratis calls a snapshot: no files, just the index up to which the log may go. */
  SnapshotInfo snapshot() {
    TermIndex below = below();
    return new SnapshotInfo() {
      @Override
      public TermIndex getTermIndex() {
        return below;
      }

      @Override
      public List<FileInfo> getFiles() {
        return List.of();
      }
    };
  }

  LogFloor toProto() {
    return LogFloor.newBuilder()
        .setFormat(1)
        .setTerm(term)
        .setIndex(floor.index())
        .setPosition(floor.position())
        .setAhead(floor.ahead())
        .build();
  }

  static CopyStart of(LogFloor proto) {
    return new CopyStart(
        proto.getTerm(), new Floor(proto.getIndex(), proto.getPosition(), proto.getAhead()));
  }
}
