package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.ChangeSetId;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.Record;
import dev.marmot.proto.v1.ShardEntry;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.ReplicaState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompletenessTest {
  private final Completeness complete =
      new Completeness(new ReplicaState(1, 10, 1, 0, Map.of(), Map.of(2, 5L), -1));

  private static ChangeSetId id(long epoch, long number) {
    return ChangeSetId.newBuilder().setOrigin(2).setEpoch(epoch).setNumber(number).build();
  }

  private void chunk(long epoch, long number, int index, int count) {
    Chunk.Builder chunk = Chunk.newBuilder().setId(id(epoch, number));
    chunk.setIndex(index).setCount(count);
    ByteString entry =
        ShardEntry.newBuilder().setFormat(Formats.CURRENT).addChunks(chunk).build().toByteString();
    complete.entry(LogId.shard(1), 1, number * 10 + index, entry);
  }

  private void record(long index, long epoch, long number, int chunks) {
    Record record = Record.newBuilder().setId(id(epoch, number)).setChunks(chunks).build();
    order(index, OrderItem.newBuilder().setRecord(record).build());
  }

  private void order(long index, OrderItem item) {
    complete.entry(LogId.ORDER, 1, index, Entries.order(List.of(item)));
  }

  @Test
  void everyChunkIsHere_everythingIsKept() {
    chunk(5, 1, 0, 2);
    chunk(5, 1, 1, 2);
    record(9, 5, 7, 3); // applied before
    record(11, 5, 1, 2);
    record(12, 5, 2, 0); // its rows are in the record
    assertThat(complete.incomplete()).isFalse();
    assertThat(complete.last()).isEqualTo(12);
  }

  @Test
  void aChunkIsMissing_theOrderLogEndsBeforeItsRecord() {
    chunk(5, 1, 0, 1);
    chunk(5, 2, 1, 2);
    record(11, 5, 1, 1);
    record(12, 5, 2, 2);
    record(13, 5, 3, 0);
    assertThat(complete.incomplete()).isTrue();
    assertThat(complete.last()).isEqualTo(11);
    assertThat(complete.lost()).isEqualTo(2);
  }

  @Test
  void recordsWithoutEffect_needNoChunks() {
    record(11, 4, 1, 1); // of an epoch that has ended
    record(12, 5, 3, 1); // behind a gap
    Epoch next = Epoch.newBuilder().setOrigin(2).setEpoch(6).build();
    order(13, OrderItem.newBuilder().setEpoch(next).build());
    record(14, 5, 1, 1);
    assertThat(complete.incomplete()).isFalse();
    assertThat(complete.last()).isEqualTo(14);
  }
}
