package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** The logs of a cluster of one, in memory: what is proposed is committed at once. Thread-safe. */
final class LocalLogs implements OrderedLogs {
  private static final long TERM = 1;

  private final Listener listener;
  private final List<ByteString> order = new CopyOnWriteArrayList<>();
  private final List<ByteString> shard = new CopyOnWriteArrayList<>();

  /** Where the copies begin, when not with the log. */
  final Map<LogId, Floor> floors = new ConcurrentHashMap<>();

  /** What they were told to begin with. */
  final List<Floor> raised = new CopyOnWriteArrayList<>();

  LocalLogs(Listener listener) {
    this.listener = listener;
  }

  private List<ByteString> entries(LogId log) {
    return log.isOrderLog() ? order : shard;
  }

  @Override
  public int shards() {
    return 1;
  }

  @Override
  public int allShards() {
    return 1;
  }

  @Override
  public CompletionStage<LogPosition> propose(LogId log, ByteString entry) {
    LogPosition position;
    synchronized (this) {
      entries(log).add(entry);
      position = new LogPosition(TERM, entries(log).size() - 1L);
      listener.committed(log, position, entry);
    }
    return CompletableFuture.completedFuture(position);
  }

  @Override
  public Read read(LogId log, long index) {
    List<ByteString> entries = entries(log);
    return index < entries.size()
        ? new Entry(TERM, entries.get((int) index))
        : new Unavailable("not committed");
  }

  @Override
  public long committed(LogId log) {
    return entries(log).size() - 1L;
  }

  @Override
  public Floor floor(LogId log) {
    return floors.getOrDefault(log, Floor.NONE);
  }

  @Override
  public void raiseFloor(LogId log, Floor floor) {
    raised.add(floor);
  }
}
