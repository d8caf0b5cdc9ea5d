package dev.marmot.raft;

import com.google.protobuf.ByteString;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Totally ordered, replicated logs of opaque entries. One of the two interfaces against which the
 * replication protocol is written; the simulation implements it in memory. Thread-safe.
 */
public interface OrderedLogs {
  /**
   * Number of data shards; their logs are {@code LogId.shard(1)} to {@code LogId.shard(shards())}.
   */
  int shards();

  /**
   * Proposes an entry, here when this node leads the log, otherwise at the leader. Never blocks.
   *
   * <p>Completes with the entry's position once it is committed; exceptionally with a {@link
   * ProposalException}, whose outcome says whether the entry may still be committed later. An entry
   * may be committed more than once when a caller retries. Completion runs on a thread of the
   * implementation: do not block in it.
   */
  CompletionStage<LogPosition> propose(LogId log, ByteString entry);

  /**
   * A committed entry of this node's own copy. Empty when the index holds an entry of Raft's own,
   * or is not committed here, or was purged.
   */
  Optional<ByteString> read(LogId log, long index);

  /**
   * Highest index that this node's copy knows to be committed and has handed over; -1 when none.
   */
  long committed(LogId log);

  /** Receives committed entries, at start from the beginning of the own copy. */
  @FunctionalInterface
  interface Listener {
    /**
     * Called for each committed entry of a log in index order, by one thread per log at a time
     * (several logs at once). Must not block. {@link OrderedLogs#committed} covers the entry
     * already, and {@link OrderedLogs#read} finds it.
     */
    void committed(LogId log, LogPosition position, ByteString entry);
  }
}
