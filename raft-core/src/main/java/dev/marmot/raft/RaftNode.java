package dev.marmot.raft;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** This node's part in all raft logs: life cycle, leadership, calls to other nodes. Thread-safe. */
public interface RaftNode extends OrderedLogs, AutoCloseable {
  /**
   * Opens the logs on disk, binds the port and takes part. Entries that are already committed in
   * the own copy are handed to the listener again, from the floor of each log.
   *
   * @throws IOException when the directory or the port cannot be used; the message says which and
   *     why
   */
  void start() throws IOException;

  /** The order log first, then the shards. */
  List<LogStatus> status();

  /** Everybody in the cluster, this node included. */
  List<Member> members();

  /**
   * Hands leadership of a log to another node, wherever the leader is. Completes when the new
   * leader is known; exceptionally with a message that says why not.
   */
  CompletionStage<Void> transferLeadership(LogId log, NodeId to);

  /**
   * Whether this node may lead logs; yes, until said otherwise, also before {@link #start}. A node
   * that may not gives up what it leads within a moment and is not elected; it still votes.
   */
  void mayLead(boolean allowed);

  /**
   * Calls a method of another node over the raft port (of this node itself: directly). Fails after
   * the timeout, with the reason in the message.
   */
  CompletionStage<ByteString> call(
      NodeId node, String method, ByteString request, Duration timeout);

  /** Stops taking part. What is committed is on disk. Idempotent. */
  @Override
  void close();
}
