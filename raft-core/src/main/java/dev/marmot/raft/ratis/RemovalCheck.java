package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.LeadingReply;
import dev.marmot.proto.v1.LeadingRequest;
import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.ratis.protocol.RaftPeerId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether this node was removed. Much looks like it and is not: a log that ended, members
 * in the own copy that are not committed, or that Ratis took wrongly. What counts is what a leader
 * of the order log has committed while it leads. {@link #suspect} is thread-safe; the rest is
 * confined to the worker thread.
 */
final class RemovalCheck {
  private static final Logger logger = LoggerFactory.getLogger(RemovalCheck.class);
  private static final Duration CALL = Duration.ofSeconds(2);

  private final RaftPeerId name;
  private final Peers peers;
  private final RemovalSignal signal;
  private final ScheduledExecutorService worker;
  private volatile boolean suspected;
  private volatile boolean told;
  private int asked;

  RemovalCheck(
      RaftPeerId name, Peers peers, RemovalSignal signal, ScheduledExecutorService worker) {
    this.name = name;
    this.peers = peers;
    this.signal = signal;
    this.worker = worker;
  }

  /** Something looks like a removal. */
  void suspect() {
    suspected = true;
  }

  /** A member says that this node was removed, perhaps before it knew that it had been added. */
  void told() {
    told = true;
    suspected = true;
  }

  /** Whether a removal was told of and not refuted since. */
  boolean isTold() {
    return told && suspected;
  }

  /**
   * While a removal is suspected: asks everybody who is known, until a leader has answered.
   *
   * @param since entry of the order log from which this node knows that it was a member; -1 if none
   */
  void round(long since) {
    if (!suspected || asked > 0) {
      return;
    }
    ByteString request =
        LeadingRequest.newBuilder().setLog(LogId.ORDER.number()).build().toByteString();
    List<NodeId> others = peers.others();
    asked = others.size();
    for (NodeId node : others) {
      var unused =
          peers
              .call(node, Groups.LEADING, request, CALL)
              .whenCompleteAsync((reply, failure) -> answered(node, reply, since), worker);
    }
  }

  private void answered(NodeId node, @Nullable ByteString bytes, long since) {
    asked--;
    LeadingReply reply = LeadingReply.getDefaultInstance();
    try {
      reply = bytes == null ? reply : LeadingReply.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      logger.atWarn().addKeyValue("node", node).setCause(e).log("who leads cannot be read");
    }
    // A leader that knows less than this node is none, and has not noticed yet.
    if (!reply.getLeads() || reply.getMembersIndex() < since) {
      return;
    }
    suspected = false;
    if (!reply.getPeersList().contains(name.toString())) {
      logger
          .atWarn()
          .addKeyValue("leader", node)
          .addKeyValue("entry", reply.getMembersIndex())
          .log("removed from the cluster");
      signal.removed();
    }
  }
}
