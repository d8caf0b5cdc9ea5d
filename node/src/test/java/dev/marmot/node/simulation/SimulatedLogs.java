package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;

/**
 * The raft logs as one process of one node sees them: its copies lag behind, its proposals travel
 * through the {@link Network}. Confined to the simulation's thread.
 */
final class SimulatedLogs implements OrderedLogs {
  private final int node;
  private final RaftGroups groups;
  private final Network network;
  private final Hazard hazard;
  private final BiFunction<LogId, ByteString, ByteString> rewriter;
  private final Listener listener;
  private final long[] committed;
  private final int[] closed;
  private final Floor[] floors;
  private final LongSupplier durablePosition;
  private boolean alive = true;

  /** The disk that holds the copies of a node. */
  record Disk(Floor[] floors, LongSupplier durablePosition) {}

  /**
   * @param rewriter changes what is proposed; a correct node's changes nothing
   */
  SimulatedLogs(
      int node,
      RaftGroups groups,
      Network network,
      Hazard hazard,
      BiFunction<LogId, ByteString, ByteString> rewriter,
      Listener listener,
      Disk disk) {
    this.node = node;
    this.groups = groups;
    this.network = network;
    this.hazard = hazard;
    this.rewriter = rewriter;
    this.listener = listener;
    this.committed = new long[groups.logs()];
    this.closed = new int[groups.logs()];
    this.floors = disk.floors();
    this.durablePosition = disk.durablePosition();
    for (int log = 0; log < committed.length; log++) {
      committed[log] = floors[log].index() - 1;
    }
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
    return groups.shards();
  }

  @Override
  public int allShards() {
    return groups.shards();
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
  public Read read(LogId log, long index) {
    hazard.pass();
    if (closed[log.number()] > 0) {
      closed[log.number()]--;
      return new Unavailable("the log is being opened again");
    }
    if (index < floors[log.number()].index() || index > committed[log.number()]) {
      return new Unavailable("not here");
    }
    RaftMessage.Entry entry = groups.log(log.number()).copy(node).entry(index);
    return entry.bytes() == null ? new RaftOwn() : new Entry(entry.term(), entry.bytes());
  }

  /** A copy is opened again, and cannot be read so many times. */
  void reopen(int log, int reads) {
    closed[log] = reads;
  }

  @Override
  public long committed(LogId log) {
    return committed[log.number()];
  }

  @Override
  public Floor floor(LogId log) {
    return floors[log.number()];
  }

  @Override
  public void raiseFloor(LogId log, Floor floor) {
    hazard.pass();
    if (floor.index() <= floors[log.number()].index()) {
      return; // a copy that skipped meanwhile is farther
    }
    Violation.check(
        floor.index() <= committed[log.number()] + 1,
        "n%d purges %s up to %s, which it has not seen",
        node,
        log,
        floor);
    Violation.check(
        floor.position() <= durablePosition.getAsLong(),
        "n%d purges %s up to %s, with %d durable",
        node,
        log,
        floor,
        durablePosition.getAsLong());
    floors[log.number()] = floor;
    groups.log(log.number()).copy(node).purge(floor);
    hazard.pass();
  }

  /** The copy of a log goes on at the node's floor. */
  void skip(int log) {
    Floor floor = floors[log];
    committed[log] = floor.index() - 1;
    listener.skipped(new LogId(log), floor);
  }

  /** Tells the process that a copy ends before the leader's begins. */
  CompletionStage<Floor> behind(int log, Floor floor) {
    return listener.behind(new LogId(log), floor);
  }

  /** The copy of a log advances up to this index. */
  void deliver(int log, long upTo) {
    for (long index = committed[log] + 1; index <= upTo; index++) {
      RaftMessage.Entry entry = groups.log(log).copy(node).entry(index);
      committed[log] = index;
      if (entry.bytes() != null) {
        listener.committed(new LogId(log), new LogPosition(entry.term(), index), entry.bytes());
      }
    }
  }
}
