package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The logs as the applier reads them: an entry of the order log that proves the file to be an older
 * copy of itself never gets to it: {@link #read} throws {@link OlderCopyException}. Reading belongs
 * to the applier thread, the rest to any.
 */
public final class WatchedLogs implements OrderedLogs {
  private final OrderedLogs logs;
  private final OlderCopyCheck check;
  private boolean over;

  public WatchedLogs(OrderedLogs logs, OlderCopyCheck check) {
    this.logs = logs;
    this.check = check;
  }

  @Override
  public Read read(LogId log, long index) {
    Read read = logs.read(log, index);
    if (!over && log.isOrderLog() && read instanceof Entry entry) {
      look(index, entry.bytes());
    }
    return read;
  }

  private void look(long index, ByteString bytes) {
    Optional<OrderLogEntry> entry = Formats.orderLogEntry(index, bytes);
    if (entry.isEmpty()) {
      return;
    }
    Optional<String> proof = check.proof(entry.get());
    if (proof.isPresent()) {
      throw new OlderCopyException(proof.get());
    }
    over = check.isOver(entry.get());
  }

  @Override
  public int shards() {
    return logs.shards();
  }

  @Override
  public int allShards() {
    return logs.allShards();
  }

  @Override
  public CompletionStage<LogPosition> propose(LogId log, ByteString entry) {
    return logs.propose(log, entry);
  }

  @Override
  public long committed(LogId log) {
    return logs.committed(log);
  }

  @Override
  public Floor floor(LogId log) {
    return logs.floor(log);
  }

  @Override
  public void raiseFloor(LogId log, Floor floor) {
    logs.raiseFloor(log, floor);
  }
}
