package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.SnapshotInfo;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.util.LifeCycle;
import org.jspecify.annotations.Nullable;

/**
 * Hands the committed entries of one log to the listener and completes at once. Thread-safe; Ratis
 * applies on one thread of its own per log.
 *
 * <p>Its only state is the floor of the copy, which Ratis takes for a snapshot: after a restart the
 * committed entries from there on are handed over again. The applier finds the entries in the raft
 * log by index.
 */
final class LogStateMachine extends BaseStateMachine {
  private final LogCopy copy;
  private final FloorMeeting meeting;
  private final LogId log;
  private final OrderedLogs.Listener listener;
  private final FailureSignal failures;
  private final RemovalCheck removal;
  private final LogCopies copies;
  private final DiskRoom room;
  private final SyncedAppends appends = new SyncedAppends();
  private volatile boolean closeExpected;
  private volatile @Nullable ClosedSegments before;

  LogStateMachine(
      LogCopy copy,
      FloorMeeting meeting,
      LogCopies copies,
      OrderedLogs.Listener listener,
      FailureSignal failures,
      RemovalCheck removal,
      DiskRoom room) {
    this.copy = copy;
    this.meeting = meeting;
    this.log = copy.log();
    this.copies = copies;
    this.listener = listener;
    this.failures = failures;
    this.removal = removal;
    this.room = room;
  }

  FloorMeeting meeting() {
    return meeting;
  }

  SyncedAppends appends() {
    return appends;
  }

  /** It is opened again by whoever closes it now. */
  void expectClose() {
    closeExpected = true;
  }

  @Override
  public void initialize(RaftServer server, RaftGroupId group, RaftStorage storage)
      throws IOException {
    super.initialize(server, group, storage);
    boolean again = copy.committed() > LogPosition.NONE.index();
    Path files = storage.getStorageDir().getRoot().toPath();
    before = ClosedSegments.of(files);
    copy.floor().open(files);
    goOnFromFloor(again);
    getLifeCycle().startAndTransition(() -> {});
  }

  private void goOnFromFloor(boolean tell) {
    CopyStart start = copy.floor().current();
    if (start == null) {
      return;
    }
    setLastAppliedTermIndex(start.below());
    boolean skips = copy.committed() < start.below().getIndex();
    copy.committed(start.below().getIndex());
    if (tell && skips) {
      listener.skipped(log, start.floor());
    }
  }

  @Override
  public @Nullable SnapshotInfo getLatestSnapshot() {
    CopyStart start = copy.floor().current();
    return start == null ? null : start.snapshot();
  }

  @Override
  public long takeSnapshot() throws IOException {
    RaftLog raftLog = getServer().join().getDivision(getGroupId()).getRaftLog();
    copy.floor().raise(raftLog, getLastAppliedTermIndex().getIndex());
    CopyStart start = copy.floor().current();
    return start == null ? RaftLog.INVALID_LOG_INDEX : start.below().getIndex();
  }

  @Override
  public CompletableFuture<@Nullable TermIndex> notifyInstallSnapshotFromLeader(
      RoleInfoProto role, TermIndex first) {
    RaftPeerId leader = RaftPeerId.valueOf(role.getFollowerInfo().getLeaderInfo().getId().getId());
    return LogGroups.node(leader)
        .map(node -> meeting.meet(node, first.getIndex()))
        .orElseGet(
            () -> CompletableFuture.failedFuture(new IllegalStateException("no leader is known")));
  }

  @Override
  public void pause() {
    getLifeCycle().transitionIfNotEqual(LifeCycle.State.PAUSING);
    getLifeCycle().transitionIfNotEqual(LifeCycle.State.PAUSED);
  }

  @Override
  public void reinitialize() {
    copy.floor().publish();
    goOnFromFloor(true);
    getLifeCycle().startAndTransition(() -> {});
    meeting.reloaded();
  }

  @Override
  public TransactionContext preAppendTransaction(TransactionContext transaction) {
    if (transaction.getClientRequest().getMessage() instanceof ProposedEntry entry) {
      entry.markAppended();
    }
    return transaction;
  }

  /** On the thread that hands over, so that the log is open. */
  private void letSegmentsLeaveMemory() {
    ClosedSegments closed = before;
    if (closed != null) {
      before = null;
      copies.division(log).ifPresent(division -> closed.mayLeaveMemory(division.getRaftLog()));
    }
  }

  @Override
  public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
    letSegmentsLeaveMemory();
    LogEntryProto entry = transaction.getLogEntry();
    LogPosition position = new LogPosition(entry.getTerm(), entry.getIndex());
    long before = copy.committed();
    // What was handed over before this log was opened again stays handed over.
    if (position.index() > before) {
      copy.committed(position.index()); // first: whom the listener wakes must be able to read it
      handOver(position, entry, before);
    }
    updateLastAppliedTermIndex(position.term(), position.index());
    return CompletableFuture.completedFuture(TermReply.of(position.term()));
  }

  private void handOver(LogPosition position, LogEntryProto entry, long before) {
    ByteString payload = payload(entry);
    if (payload.equals(ProposedEntry.NUDGE)) {
      return;
    }
    try {
      listener.committed(log, position, payload);
    } catch (RuntimeException | Error e) {
      copy.takeBack(before);
      failures.report(
          new IllegalStateException("cannot hand over entry " + position + " of " + log, e));
      // Ratis stops this log; going on would skip the entry.
      throw e;
    }
  }

  @Override
  public void notifyTermIndexUpdated(long term, long index) {
    super.notifyTermIndexUpdated(term, index);
    copy.committed(index);
  }

  @Override
  public void notifyLeaderChanged(RaftGroupMemberId member, RaftPeerId leader) {
    LogGroups.node(leader)
        .ifPresent(
            node -> {
              if (!node.equals(copies.self())) {
                copy.otherLeader(node);
              }
              copies.leads(log, node);
              meeting.leaderChanged(node);
            });
  }

  @Override
  public void notifyLogFailed(Throwable cause, @Nullable LogEntryProto failedEntry) {
    appends.end("a write failed: " + cause.getMessage());
    if (DiskRoom.isFull(cause)) {
      room.full(String.valueOf(cause.getMessage()));
      return; // closed, and opened again when there is room
    }
    failures.report(
        new IllegalStateException(
            "cannot write the raft log of " + log + ": " + cause.getMessage(), cause));
  }

  /**
   * When Ratis truncates its log under an entry that says who the members are, it forgets the ones
   * that it has just been told in its place (3.3.0). It reads them again when it opens the log.
   */
  @Override
  public void notifyConfigurationChanged(long term, long index, RaftConfigurationProto members) {
    boolean forgotten =
        copies
            .division(log)
            .filter(division -> division.getRaftConf().getLogEntryIndex() < index)
            .isPresent();
    // Ratis repeats members of term 0 while it waits for a floor.
    if (forgotten && term > 0) {
      copy.ended(this, "Ratis has forgotten the members of entry " + index);
    }
  }

  /**
   * Many things end a log: not all of them are a removal, and a log that ended is opened again all
   * the same.
   */
  @Override
  public void close() {
    appends.end("it is closed");
    if (!closeExpected) {
      copy.ended(this, "Ratis has closed it");
      removal.suspect();
    }
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
