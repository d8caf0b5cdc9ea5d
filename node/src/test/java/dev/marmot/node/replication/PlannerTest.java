package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.Plan.Action;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.Record;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A plan is whole in memory, so it is bounded by bytes, whatever waits. */
class PlannerTest {
  private static final int ORIGIN = 2;
  private static final int ROW_BYTES = 100_000;
  private static final TableShape SHAPE = new TableShape("t", false, List.of("id"), List.of("v"));

  private final ReplicaState state =
      new ReplicaState(1, -1, 7, 0, Map.of(), Map.of(ORIGIN, 1L), -1);
  private final ChunkIndex chunks = new ChunkIndex(() -> state, ProtocolRules.ALL);
  private final LocalLogs logs = new LocalLogs(new Indexing());
  private final Planner planner = new Planner(logs, chunks, ProtocolRules.ALL);
  private final Random random = new Random(7);

  private final class Indexing implements OrderedLogs.Listener {
    @Override
    public void committed(LogId log, LogPosition position, ByteString entry) {
      if (!log.isOrderLog()) {
        chunks.committed(log, position, entry);
      }
    }

    @Override
    public CompletionStage<Floor> behind(LogId log, Floor floor) {
      throw new AssertionError("nothing was purged");
    }

    @Override
    public void skipped(LogId log, Floor floor) {
      throw new AssertionError("nothing was purged");
    }
  }

  private RowImage row(long id, int bytes) {
    byte[] value = new byte[bytes];
    random.nextBytes(value);
    return new RowImage(
        SHAPE,
        List.of(new SqliteValue.Int(id)),
        List.of(new SqliteValue.Blob(value)),
        false,
        false,
        id);
  }

  private void send(int number, RowImage row) {
    Cutter cutter = new Cutter(ORIGIN, () -> 1, 0, 256 << 10);
    InFlight cut =
        cutter.cut(
            new ChangeSetId(ORIGIN, 1, number),
            new CapturedChanges(List.of(row), number, -1, 0, ORIGIN, true));
    EntryPacker packer = new EntryPacker();
    cut.pieces().forEach(piece -> packer.add(cut, piece));
    for (EntryPacker.Entry entry : packer.entries()) {
      var unused = logs.propose(LogId.shard(entry.shard()), entry.bytes());
    }
    OrderItem item = OrderItem.newBuilder().setRecord(cut.record()).build();
    var unused = logs.propose(LogId.ORDER, Entries.order(List.of(item)));
  }

  private static List<RowImage> rows(Plan plan) {
    return plan.entries().stream()
        .flatMap(entry -> entry.actions().stream())
        .flatMap(action -> ((Action.Apply) action).changes().rows().stream())
        .toList();
  }

  @Test
  void backlogOfLargeRows_isPlannedInParts() {
    IntStream.rangeClosed(1, 100).forEach(i -> send(i, row(i, ROW_BYTES)));
    Plan plan = planner.next(state, 20_000).orElseThrow();
    assertThat((long) plan.entries().size() * ROW_BYTES)
        .isBetween(Planner.MOST_BYTES - ROW_BYTES, Planner.MOST_BYTES + ROW_BYTES);
  }

  @Test
  void changeSetThatIsLargerThanAPlan_isPlannedAlone_whole() {
    RowImage large = row(1, (int) Planner.MOST_BYTES + 3_000_000);
    send(1, large);
    send(2, row(2, ROW_BYTES));
    Plan plan = planner.next(state, 20_000).orElseThrow();
    assertThat(rows(plan)).singleElement().matches(large::sameContent);
    assertThat(planner.next(state, 20_000).map(PlannerTest::rows).orElseThrow())
        .as("the same again: planning changes nothing")
        .hasSize(1);
  }

  @Test
  void recordsThatShareAnEntry_areFewWhenTheirRowsAreLarge() {
    OrderItem item = OrderItem.newBuilder().setRecord(Record.getDefaultInstance()).build();
    assertThat(Entries.fits(List.of(item), 10, 1_000)).isTrue();
    assertThat(Entries.fits(List.of(item), 10, 5L << 20)).isFalse();
  }
}
