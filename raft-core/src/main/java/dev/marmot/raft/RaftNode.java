package dev.marmot.raft;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** This node's part in all raft logs: life cycle, leadership, calls to other nodes. Thread-safe. */
public interface RaftNode extends OrderedLogs, AutoCloseable {
  /**
   * Binds the port for calls between nodes, without opening a log: for a node that has to find out
   * first whether it may take part. Until {@link #start}, it knows the members of the options.
   *
   * @throws IOException when the port cannot be used; the message says why
   */
  void listen() throws IOException;

  /**
   * Opens the logs on disk, binds the port and takes part. Entries that are already committed in
   * the own copy are handed to the listener again, from the floor of each log.
   *
   * @throws IOException when the directory or the port cannot be used; the message says which and
   *     why
   */
  void start() throws IOException;

  /** The order log first, then the shards; empty before the start. */
  List<LogStatus> status();

  /** Why this node has closed its logs until the disk has room again; empty while they are open. */
  default Optional<String> shortage() {
    return Optional.empty();
  }

  /**
   * Everybody in the cluster, as this node's copy of the order log knows; before that, everybody in
   * the options.
   */
  List<Member> members();

  /** The name of this life of this node among the members of the logs; empty when not running. */
  String name();

  /** The name of the life of a node that is a member of the order log; empty when none is. */
  Optional<String> name(NodeId node);

  /**
   * Makes a running node that waits to join ({@link RaftOptions#join}) a member of all logs, one
   * after the other. May be asked of any member, and again after it broke off; the same node under
   * the same id that comes back without its directory, or at another address, replaces its former
   * self. Takes as long as the new node needs to catch up.
   *
   * @param voting whether its copies count for commits; otherwise it only listens
   * @return completes when it is a member of all logs; exceptionally with a message that says where
   *     it stopped
   */
  CompletionStage<Void> add(Member member, boolean voting);

  /**
   * Takes a node, up or not, out of all logs. May be asked of any member, and again after it broke
   * off. The node, when it is up, fails with a {@link RemovedException}.
   *
   * @param force also when too few of those that remain are up to decide anything
   * @return completes when it is gone; exceptionally with a message that says why not
   */
  CompletionStage<Void> remove(NodeId node, boolean force);

  /**
   * Hands leadership of a log to another node, wherever the leader is. It stays there until that
   * node fails, or {@link #rebalance}. Completes when the new leader is known; exceptionally with a
   * message that says why not.
   */
  CompletionStage<Void> transferLeadership(LogId log, NodeId to);

  /**
   * Moves all leaders off a node, which is up, and keeps them off until {@link #rebalance}, or
   * until that node starts again.
   *
   * @return completes when it leads nothing; exceptionally with a message that says what it leads
   */
  CompletionStage<Void> drain(NodeId node);

  /**
   * Spreads leaders evenly again: moves by hand count no more, and no node is drained any more.
   *
   * @return completes when all members that are up have been told; the moves follow
   */
  CompletionStage<Void> rebalance();

  /**
   * Changes how many data shards get new entries ({@link #shards}), on all members, which must be
   * up. New logs are created everywhere first. Logs of retired shards stay, empty in the end, and
   * are used again when the number grows. May be asked again after it broke off.
   *
   * @return completes when all members use that number; exceptionally with a message that says why
   *     not
   */
  CompletionStage<Void> setShards(int shards);

  /**
   * The logs that this node may not lead; none, until said otherwise, also before {@link #start}.
   * It gives them up within a moment and is not elected; it still votes.
   */
  void mayNotLead(Set<LogId> logs);

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
