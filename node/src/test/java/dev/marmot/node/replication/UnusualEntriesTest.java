package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.Plan.Action;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Entries that are none, that cannot be had just now, or that somebody else still needs. */
final class UnusualEntriesTest {
  private static final LogId SHARD = LogId.shard(1);
  private static final ByteString BROKEN = ByteString.copyFrom(new byte[] {(byte) 0xff, 7});
  private static final ReplicaState START =
      new ReplicaState(1, -1, 0, 0, Map.of(), Map.of(2, 1L), -1);
  private static final ReplicaState SETTLED =
      new ReplicaState(1, 9, 1, 0, Map.of(2, new LastApplied(1, 1, 5, 7, -1)), Map.of(2, 1L), -1);

  private final Logs logs = new Logs();

  /** One order log and one shard; what is not an entry is whatever the test says. */
  private static final class Logs implements OrderedLogs {
    final List<Read> order = new ArrayList<>();
    Read shard = new RaftOwn();

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
      return CompletableFuture.failedFuture(new IllegalStateException("nobody proposes here"));
    }

    @Override
    public Read read(LogId log, long index) {
      return log.isOrderLog() ? order.get((int) index) : shard;
    }

    @Override
    public long committed(LogId log) {
      return log.isOrderLog() ? order.size() - 1L : 0;
    }

    @Override
    public Floor floor(LogId log) {
      return Floor.NONE;
    }

    @Override
    public void raiseFloor(LogId log, Floor floor) {}
  }

  private static ByteString record(int origin, long number, int chunks, ByteString inline) {
    Record record =
        Record.newBuilder()
            .setId(new ChangeSetId(origin, 1, number).toWire())
            .setChunks(chunks)
            .setInlineRows(inline)
            .build();
    return Entries.order(List.of(OrderItem.newBuilder().setRecord(record).build()));
  }

  private static ByteString chunk(int index, int count) {
    Chunk chunk =
        Chunk.newBuilder()
            .setId(new ChangeSetId(2, 1, 1).toWire())
            .setIndex(index)
            .setCount(count)
            .build();
    return ShardEntry.newBuilder().setFormat(1).addChunks(chunk).build().toByteString();
  }

  private Optional<Plan> plan(ChunkIndex chunks) {
    return new Planner(logs, chunks, ProtocolRules.ALL).next(START, 100);
  }

  private static ChunkIndex chunks(Supplier<ReplicaState> state) {
    return new ChunkIndex(state, ProtocolRules.ALL);
  }

  @Test
  void entriesThatAreNone_andRecordsOfNobody_haveNoEffect_andAreNamed() {
    ChunkIndex chunks = chunks(() -> START);
    chunks.committed(SHARD, new LogPosition(1, 0), BROKEN);
    chunks.committed(SHARD, new LogPosition(1, 1), chunk(2, 2));
    chunks.committed(SHARD, new LogPosition(1, 2), chunk(0, -1));
    assertThat(chunks.open()).isZero();
    logs.order.add(new OrderedLogs.Entry(1, BROKEN));
    logs.order.add(new OrderedLogs.Entry(1, ByteString.EMPTY));
    logs.order.add(new OrderedLogs.Entry(1, record(3, 1, 0, ByteString.EMPTY)));
    logs.order.add(new OrderedLogs.Entry(1, record(2, 1, 0, BROKEN)));
    logs.order.add(new OrderedLogs.Entry(1, record(2, 2, 0, ByteString.EMPTY)));
    List<Plan.Entry> entries = plan(chunks).orElseThrow().entries();
    assertThat(entries).hasSize(5);
    assertThat(entries.subList(0, 3)).allMatch(entry -> entry.actions().isEmpty());
    assertThat(entries.subList(3, 5))
        .allMatch(entry -> ((Action.Apply) entry.actions().get(0)).changes().rows().isEmpty());
    assertThat(chunks.unreadable().warning().orElseThrow())
        .startsWith("6 entries of the raft logs cannot be read")
        .contains("entry 3 of order log");
  }

  @Test
  void entryOfANewerFormat_stopsThisNode_evenWhenItDoesNotParse() {
    ByteString newer = OrderLogEntry.newBuilder().setFormat(2).build().toByteString();
    // Field 2 is a number there.
    ByteString other = newer.concat(ByteString.copyFrom(new byte[] {2 << 3, 1}));
    for (ByteString bytes : List.of(newer, other)) {
      assertThatThrownBy(() -> Formats.orderLogEntry(5, bytes))
          .isInstanceOf(ProtocolViolation.class)
          .hasMessageContaining("it has format 2, this version reads up to 1; upgrade this node");
    }
  }

  @Test
  void entryThatCannotBeHadNow_holdsBackWhatIsBehindIt() {
    logs.order.add(new OrderedLogs.RaftOwn());
    logs.order.add(new OrderedLogs.Unavailable("the log is being opened again"));
    logs.order.add(new OrderedLogs.Entry(1, record(2, 1, 0, ByteString.EMPTY)));
    ChunkIndex chunks = chunks(() -> START);
    assertThat(plan(chunks)).isEmpty();
    logs.order.set(1, new OrderedLogs.RaftOwn());
    assertThat(plan(chunks)).isPresent();
  }

  @Test
  void chunkThatCannotBeHadNow_isWaitedFor() {
    ChunkIndex chunks = chunks(() -> START);
    chunks.committed(SHARD, new LogPosition(1, 0), chunk(0, 1));
    ChangeSetId id = new ChangeSetId(2, 1, 1);
    logs.shard = new OrderedLogs.Unavailable("the log is being opened again");
    assertThat(chunks.read(logs, id, 1)).isEmpty();
    logs.shard = new OrderedLogs.Entry(1, chunk(0, 1));
    assertThat(chunks.read(logs, id, 1)).isPresent();
    logs.shard = new OrderedLogs.RaftOwn();
    assertThatThrownBy(() -> chunks.read(logs, id, 1)).hasMessageContaining("does not hold it");
  }

  @Test
  void chunkThatASnapshotBeingMadeStillNeeds_stays_whenTheNodeItselfHasAppliedIt() {
    // The applier settles the change set between the two looks at the state.
    AtomicBoolean settled = new AtomicBoolean();
    ChunkIndex chunks = chunks(() -> settled.getAndSet(true) ? SETTLED : START);
    ChangeSetId id = new ChangeSetId(2, 1, 1);
    try (ChunkIndex.Hold hold = chunks.hold()) {
      chunks.committed(SHARD, new LogPosition(1, 0), chunk(0, 2));
      chunks.committed(SHARD, new LogPosition(1, 1), chunk(1, 2));
      assertThat(chunks.has(id, 0)).isTrue();
      assertThat(chunks.has(id, 1)).isTrue();
      assertThat(hold.broken()).isFalse();
      settled.set(true);
    }
    assertThat(chunks.open()).as("nobody holds it any more").isZero();
  }
}
