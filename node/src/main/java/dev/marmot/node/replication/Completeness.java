package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.sqlite.ReplicaState;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How far an order log can be applied with the chunks that are at hand: asked when nobody is left
 * who could send more. Give it the data shards first. Confined to one thread.
 */
public final class Completeness {
  private final ReplicaState state;
  private final ChunkIndex chunks;
  private final OrderState order;
  private boolean incomplete;
  private long last;
  private int lost;

  /**
   * @param state of the file to which the order log is to be applied
   */
  public Completeness(ReplicaState state) {
    this.state = state;
    this.chunks = new ChunkIndex(() -> state, ProtocolRules.ALL);
    this.order = new OrderState(state, ProtocolRules.ALL);
    this.last = state.position();
  }

  /** The next entry of a log. */
  public void entry(LogId log, long term, long index, ByteString bytes) {
    if (!log.isOrderLog()) {
      chunks.committed(log, new LogPosition(term, index), bytes);
      return;
    }
    if (index <= state.position()) {
      return;
    }
    for (OrderItem item :
        Formats.orderLogEntry(index, bytes).map(OrderLogEntry::getItemsList).orElse(List.of())) {
      if (item.hasEpoch()) {
        var unused =
            order.openEpoch(
                item.getEpoch().getOrigin(),
                item.getEpoch().getRemoved() ? ReplicaState.REMOVED : item.getEpoch().getEpoch());
      } else {
        record(item.getRecord());
      }
    }
    if (!incomplete) {
      last = index;
    }
  }

  private void record(Record record) {
    ChangeSetId id = ChangeSetId.of(record.getId());
    if (order.judge(id) != Verdict.ACCEPTED) {
      return;
    }
    order.accept(id, record.getMaxSeq(), record.getFile());
    boolean whole = IntStream.range(0, record.getChunks()).allMatch(i -> chunks.has(id, i));
    incomplete |= !whole;
    if (incomplete) {
      lost++;
    }
  }

  /** Whether an entry needs a chunk that is not here. */
  public boolean incomplete() {
    return incomplete;
  }

  /** Index of the last entry before such a one; of the last one of all when there is none. */
  public long last() {
    return last;
  }

  /** Change sets in that entry and behind it. */
  public int lost() {
    return lost;
  }
}
