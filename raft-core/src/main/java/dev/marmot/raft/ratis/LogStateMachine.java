package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.SnapshotInfo;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.jspecify.annotations.Nullable;

/**
 * Hands the committed entries of one log to the listener and completes at once. Thread-safe; Ratis
 * applies on one thread of its own per log.
 *
 * <p>It keeps no state: {@link #getLatestSnapshot} is null, so that after a restart Ratis hands
 * over all committed entries again. The applier finds the entries in the raft log by index.
 */
final class LogStateMachine extends BaseStateMachine {
  private final LogId log;
  private final OrderedLogs.Listener listener;
  private final FailureSignal failures;
  private final NodeId self;
  private volatile long committed = LogPosition.NONE.index();
  private volatile @Nullable NodeId otherLeader;

  LogStateMachine(LogId log, NodeId self, OrderedLogs.Listener listener, FailureSignal failures) {
    this.log = log;
    this.self = self;
    this.listener = listener;
    this.failures = failures;
  }

  /** Highest index that was handed over, or that holds an entry of Raft's own. */
  long committed() {
    return committed;
  }

  /** The last leader other than this node, since start. */
  Optional<NodeId> otherLeader() {
    return Optional.ofNullable(otherLeader);
  }

  @Override
  public void initialize(RaftServer server, RaftGroupId group, RaftStorage storage)
      throws IOException {
    super.initialize(server, group, storage);
    getLifeCycle().startAndTransition(() -> {});
  }

  @Override
  public @Nullable SnapshotInfo getLatestSnapshot() {
    return null;
  }

  @Override
  public TransactionContext preAppendTransaction(TransactionContext transaction) {
    if (transaction.getClientRequest().getMessage() instanceof ProposedEntry entry) {
      entry.markAppended();
    }
    return transaction;
  }

  @Override
  public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
    LogEntryProto entry = transaction.getLogEntry();
    LogPosition position = new LogPosition(entry.getTerm(), entry.getIndex());
    long before = committed;
    committed = position.index(); // first: whom the listener wakes must be able to read the entry
    try {
      listener.committed(log, position, payload(entry));
    } catch (RuntimeException | Error e) {
      committed = before;
      failures.report(
          new IllegalStateException("cannot hand over entry " + position + " of " + log, e));
      // Ratis stops this log; going on would skip the entry.
      throw e;
    }
    updateLastAppliedTermIndex(position.term(), position.index());
    return CompletableFuture.completedFuture(TermReply.of(position.term()));
  }

  @Override
  public void notifyTermIndexUpdated(long term, long index) {
    super.notifyTermIndexUpdated(term, index);
    committed = index;
  }

  @Override
  public void notifyLeaderChanged(RaftGroupMemberId member, RaftPeerId leader) {
    LogGroups.node(leader).filter(node -> !node.equals(self)).ifPresent(n -> otherLeader = n);
  }

  @Override
  public void notifyLogFailed(Throwable cause, @Nullable LogEntryProto failedEntry) {
    failures.report(
        new IllegalStateException(
            "cannot write the raft log of " + log + ": " + cause.getMessage(), cause));
  }

  @Override
  public void close() {
    failures.report(new IllegalStateException("the raft log of " + log + " stopped by itself"));
  }

  static ByteString payload(LogEntryProto entry) {
    return UnsafeByteOperations.unsafeWrap(
        entry.getStateMachineLogEntry().getLogData().toByteArray());
  }

  /** What the leader's state machine answers: the term, which Ratis' own reply lacks. */
  static final class TermReply {
    private TermReply() {}

    static Message of(long term) {
      return Message.valueOf(ByteBuffer.allocate(Long.BYTES).putLong(0, term));
    }

    static long term(Message reply) {
      return reply.getContent().asReadOnlyByteBuffer().getLong();
    }
  }
}
