package dev.marmot.raft.ratis;

import dev.marmot.raft.NodeId;
import java.util.Optional;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.thirdparty.io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerCallHandler;
import org.apache.ratis.thirdparty.io.grpc.ServerInterceptor;
import org.apache.ratis.util.ProtoUtils;

/**
 * Reads what leaders send before Ratis does: corrects what Ratis would take wrongly, and notes how
 * far each leader says that its log is committed. Thread-safe.
 */
final class LeaderMessages implements ServerInterceptor {
  private final LogGroups groups;
  private final LogCopies copies;

  LeaderMessages(LogGroups groups, LogCopies copies) {
    this.groups = groups;
    this.copies = copies;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      @Override
      @SuppressWarnings("unchecked") // the corrected message has the type of the received one
      public void onMessage(Q message) {
        super.onMessage(
            message instanceof AppendEntriesRequestProto append ? (Q) received(append) : message);
      }
    };
  }

  private AppendEntriesRequestProto received(AppendEntriesRequestProto message) {
    groups
        .log(ProtoUtils.toRaftGroupId(message.getServerRequest().getRaftGroupId()))
        .flatMap(copies::find)
        .ifPresent(copy -> note(copy, message));
    return corrected(message);
  }

  private static void note(LogCopy copy, AppendEntriesRequestProto message) {
    Optional<NodeId> leader =
        LogGroups.node(RaftPeerId.valueOf(message.getServerRequest().getRequestorId()));
    leader.ifPresent(node -> copy.told(node, message.getLeaderCommit(), System.nanoTime()));
  }

  /**
   * What a leader has committed is committed in a follower's log only up to where the message shows
   * that both are the same. Without a previous entry Ratis (3.3.0, {@code effectiveCommitIndex})
   * counts one entry too many: a follower would take its own first entry, of an election that came
   * to nothing, for the committed one, and could never accept the true one. Pure function.
   */
  static AppendEntriesRequestProto corrected(AppendEntriesRequestProto message) {
    if (message.hasPreviousLog()) {
      return message;
    }
    int count = message.getEntriesCount();
    LogEntryProto last = count == 0 ? null : message.getEntries(count - 1);
    long shown = last == null ? -1 : last.getIndex();
    return message.getLeaderCommit() <= shown
        ? message
        : message.toBuilder().setLeaderCommit(shown).build();
  }
}
