package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/**
 * The raft logs as one process of one node sees them: its copies lag behind, its proposals travel
 * through the {@link Network}. Confined to the simulation's thread.
 */
final class SimulatedLogs implements OrderedLogs {
  private final int node;
  private final SharedLogs shared;
  private final Network network;
  private final Hazard hazard;
  private final BiFunction<LogId, ByteString, ByteString> rewriter;
  private final Listener listener;
  private final long[] committed;
  private boolean alive = true;

  /**
   * @param rewriter changes what is proposed; a correct node's changes nothing
   */
  SimulatedLogs(
      int node,
      SharedLogs shared,
      Network network,
      Hazard hazard,
      BiFunction<LogId, ByteString, ByteString> rewriter,
      Listener listener) {
    this.node = node;
    this.shared = shared;
    this.network = network;
    this.hazard = hazard;
    this.rewriter = rewriter;
    this.listener = listener;
    this.committed = new long[shared.logs()];
    Arrays.fill(committed, -1);
  }

  int node() {
    return node;
  }

  /** Whether the process still lives: a dead one gets no answers. */
  boolean alive() {
    return alive;
  }

  void die() {
    alive = false;
  }

  @Override
  public int shards() {
    return shared.shards();
  }

  @Override
  public CompletionStage<LogPosition> propose(LogId log, ByteString entry) {
    CompletableFuture<LogPosition> answer = new CompletableFuture<>();
    hazard.pass();
    network.propose(this, log.number(), rewriter.apply(log, entry), answer);
    hazard.pass();
    return answer;
  }

  @Override
  public Optional<Entry> read(LogId log, long index) {
    hazard.pass();
    return index < 0 || index > committed[log.number()]
        ? Optional.empty()
        : entry(shared.entry(log.number(), index));
  }

  private static Optional<Entry> entry(SharedLogs.Entry entry) {
    return Optional.ofNullable(entry.bytes()).map(bytes -> new Entry(entry.term(), bytes));
  }

  @Override
  public long committed(LogId log) {
    return committed[log.number()];
  }

  @Override
  public Floor floor(LogId log) {
    return Floor.NONE;
  }

  @Override
  public void raiseFloor(LogId log, Floor floor) {
    throw new UnsupportedOperationException("cannot purge " + log + ": not built yet");
  }

  /** The copy of a log advances up to this index. */
  void deliver(int log, long upTo) {
    for (long index = committed[log] + 1; index <= upTo; index++) {
      SharedLogs.Entry entry = shared.entry(log, index);
      committed[log] = index;
      if (entry.bytes() != null) {
        listener.committed(new LogId(log), new LogPosition(entry.term(), index), entry.bytes());
      }
    }
  }
}
