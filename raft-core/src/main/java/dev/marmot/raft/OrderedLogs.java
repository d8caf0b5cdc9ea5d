package dev.marmot.raft;

import com.google.protobuf.ByteString;
import java.util.concurrent.CompletionStage;

/**
 * Totally ordered, replicated logs of opaque entries. One of the two interfaces against which the
 * replication protocol is written; the simulation implements it in memory. Thread-safe.
 */
public interface OrderedLogs {
  /**
   * Number of data shards that get new entries; their logs are {@code LogId.shard(1)} to {@code
   * LogId.shard(shards())}. It may change at any time; entries of shards above it may still come.
   */
  int shards();

  /** Number of data shards whose logs are here, the ones that get no new entries included. */
  int allShards();

  /**
   * Proposes an entry, here when this node leads the log, otherwise at the leader. Never blocks.
   *
   * <p>Completes with the entry's position once it is committed; exceptionally with a {@link
   * ProposalException}, whose outcome says whether the entry may still be committed later. An entry
   * may be committed more than once when a caller retries. Completion runs on a thread of the
   * implementation: do not block in it.
   */
  CompletionStage<LogPosition> propose(LogId log, ByteString entry);

  /** What this node's own copy holds at an index. */
  Read read(LogId log, long index);

  /**
   * Highest index that this node's copy knows to be committed and has handed over; -1 when none.
   */
  long committed(LogId log);

  /** Where this node's copy begins. Durable. */
  Floor floor(LogId log);

  /**
   * Says that this node needs nothing below a floor any more, in a state that is durable. The floor
   * never goes back. Purging follows some time later, and leaves a number of entries for members
   * that lag; the copy's floor ({@link #floor}) rises with it.
   */
  void raiseFloor(LogId log, Floor floor);

  /** What a copy holds at an index. */
  sealed interface Read {}

  /**
   * A committed entry.
   *
   * @param term term of the leader that appended it
   */
  record Entry(long term, ByteString bytes) implements Read {}

  /** A committed entry of Raft's own, which means nothing to anybody else. */
  record RaftOwn() implements Read {}

  /**
   * Nothing can be said about the entry now: it is not committed here, it was purged, or the copy
   * is being opened again.
   */
  record Unavailable(String why) implements Read {}

  /** Receives committed entries, at start from the floor of the own copy. */
  interface Listener {
    /**
     * Called for each committed entry of a log in index order, by one thread per log at a time
     * (several logs at once). Must not block. {@link OrderedLogs#committed} covers the entry
     * already, and {@link OrderedLogs#read} finds it.
     */
    void committed(LogId log, LogPosition position, ByteString entry);

    /**
     * The leader's copy begins later than this one ends, so the entries between cannot be had. Must
     * not block. Called again with a higher floor when the leader has gone on meanwhile.
     *
     * @return completes, on any thread, with what to go on from: the floor once this node's durable
     *     state stands at its position or later, or {@linkplain Floor#beforeState before that};
     *     exceptionally to be asked again
     */
    CompletionStage<Floor> behind(LogId log, Floor floor);

    /**
     * The own copy goes on at the floor's index. What was handed over below it is gone; what was
     * not handed over never will be. The floor is durable already.
     */
    void skipped(LogId log, Floor floor);
  }
}
