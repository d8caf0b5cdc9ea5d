package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Floor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the members of one raft group send each other (Raft §5). Immutable. */
sealed interface RaftMessage {
  /** An entry; without bytes it is one of Raft's own. */
  record Entry(long term, @Nullable ByteString bytes) {}

  /** Term of the sender. */
  long term();

  /** A candidate asks for a vote (Raft §5.2). */
  record VoteRequest(long term, long lastIndex, long lastTerm) implements RaftMessage {}

  /** The answer to it. */
  record Vote(long term, boolean granted) implements RaftMessage {}

  /**
   * A leader's entries, or its heartbeat without any (Raft §5.3).
   *
   * @param previous index before the first entry; -1 when there is none
   * @param commit the leader's commit index
   */
  record Append(long term, long previous, long previousTerm, List<Entry> entries, long commit)
      implements RaftMessage {}

  /**
   * The answer to it.
   *
   * @param index last one that is equal and on disk; where to try again when it does not match
   */
  record Appended(long term, boolean matches, long index) implements RaftMessage {}

  /**
   * The leader has purged what the receiver needs next.
   *
   * @param floorTerm term of the last entry below the floor
   */
  record Purged(long term, Floor floor, long floorTerm) implements RaftMessage {}
}
