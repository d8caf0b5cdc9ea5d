package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.ChunkIndex;
import dev.marmot.node.replication.Skips;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.concurrent.CompletionStage;

/** What the process of a node does with the entries of its copies. Immutable. */
record Handover(ChunkIndex chunks, Skips skips) implements OrderedLogs.Listener {
  @Override
  public void committed(LogId log, LogPosition position, ByteString entry) {
    if (!log.isOrderLog()) {
      chunks.committed(log, position, entry);
    }
  }

  @Override
  public CompletionStage<Floor> behind(LogId log, Floor floor) {
    return skips.behind(log, floor);
  }

  @Override
  public void skipped(LogId log, Floor floor) {
    chunks.skipped(log, floor.index());
  }
}
