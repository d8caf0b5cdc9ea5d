package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/** The raft logs as a majority holds them. Confined to the simulation's thread. */
final class SharedLogs {
  /** An entry; without bytes it is one of Raft's own. */
  record Entry(long term, @Nullable ByteString bytes) {}

  private final List<List<Entry>> logs = new ArrayList<>();
  private final long[] terms;
  private final int[] leaders;
  private final ObjLongConsumer<@Nullable ByteString> ordered;
  private final Consumer<ByteString> stored;

  /**
   * @param ordered sees each entry of the order log when it is committed, with its index
   * @param stored sees each entry of a data shard when it is committed
   */
  SharedLogs(
      int shards, ObjLongConsumer<@Nullable ByteString> ordered, Consumer<ByteString> stored) {
    this.stored = stored;
    this.ordered = ordered;
    this.terms = new long[shards + 1];
    this.leaders = new int[shards + 1];
    for (int log = 0; log <= shards; log++) {
      logs.add(new ArrayList<>());
      elect(log, 1 + log % 3);
    }
  }

  int shards() {
    return logs.size() - 1;
  }

  int logs() {
    return logs.size();
  }

  boolean hasLeader(int log) {
    return leaders[log] != 0;
  }

  /** The node that leads a log; 0 when none does. */
  int leader(int log) {
    return leaders[log];
  }

  void loseLeader(int log) {
    leaders[log] = 0;
  }

  /** A new leader begins its term with an entry of its own. */
  void elect(int log, int node) {
    leaders[log] = node;
    terms[log]++;
    append(log, null);
  }

  LogPosition commit(int log, ByteString bytes) {
    return append(log, bytes);
  }

  /** An entry of Raft's own, such as those with which Ratis records its commit index. */
  void appendOwn(int log) {
    append(log, null);
  }

  private LogPosition append(int log, @Nullable ByteString bytes) {
    List<Entry> entries = logs.get(log);
    entries.add(new Entry(terms[log], bytes));
    long index = entries.size() - 1L;
    if (log == LogId.ORDER.number()) {
      ordered.accept(bytes, index);
    } else if (bytes != null) {
      stored.accept(bytes);
    }
    return new LogPosition(terms[log], index);
  }

  Entry entry(int log, long index) {
    return logs.get(log).get((int) index);
  }

  /** Index of the last committed entry. */
  long end(int log) {
    return logs.get(log).size() - 1L;
  }
}
