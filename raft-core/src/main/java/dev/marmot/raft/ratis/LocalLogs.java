package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.proto.RaftProtos.ServerRpcProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientAsynchronousProtocol;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.apache.ratis.protocol.exceptions.AlreadyClosedException;
import org.apache.ratis.protocol.exceptions.LeaderNotReadyException;
import org.apache.ratis.protocol.exceptions.LeaderSteppingDownException;
import org.apache.ratis.protocol.exceptions.NotLeaderException;
import org.apache.ratis.protocol.exceptions.ServerNotReadyException;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.raftlog.RaftLogIOException;
import org.jspecify.annotations.Nullable;

/** This node's own copies of the logs: append, read, lead. Thread-safe. */
final class LocalLogs {
  /** A member that answered a heartbeat within this time is live; they go out every 500 ms. */
  private static final long LIVE_MILLIS = 1500;

  private static final long TRANSFER_MILLIS = 3000;

  private final NodeId self;
  private final LogGroups groups;
  private final RaftServer server;
  private final LogCopies copies;
  private final Members members;
  private final ClientId clientId = ClientId.randomId();
  private final AtomicLong callIds = new AtomicLong();

  LocalLogs(NodeId self, LogGroups groups, RaftServer server, LogCopies copies, Members members) {
    this.self = self;
    this.groups = groups;
    this.server = server;
    this.copies = copies;
    this.members = members;
  }

  /** Appends at this node, if it leads the log. Never completes exceptionally. */
  CompletableFuture<ProposeOutcome> propose(LogId log, ByteString bytes) {
    ProposedEntry entry = new ProposedEntry(bytes);
    RaftClientRequest request =
        RaftClientRequest.newBuilder()
            .setClientId(clientId)
            .setServerId(server.getId())
            .setGroupId(groups.groupId(log))
            .setCallId(callIds.incrementAndGet())
            .setMessage(entry)
            .setType(RaftClientRequest.writeRequestType())
            .build();
    Optional<RaftServer.Division> division = copies.division(log);
    if (division.isEmpty()) {
      return CompletableFuture.completedFuture(
          new ProposeOutcome.TryElsewhere(Optional.empty(), self + " opens it just now"));
    }
    try {
      // Directly at the division: the server's own method blocks its caller on a pool.
      return ((RaftClientAsynchronousProtocol) division.get())
          .submitClientRequestAsync(request)
          .handle(
              (reply, failure) -> {
                Throwable error = failure != null ? failure : reply.getException();
                return error != null
                    ? failed(entry, error)
                    : new ProposeOutcome.Done(
                        new LogPosition(
                            LogStateMachine.TermReply.term(reply.getMessage()),
                            reply.getLogIndex()));
              });
    } catch (IOException | RuntimeException e) {
      return CompletableFuture.completedFuture(failed(entry, e));
    }
  }

  private ProposeOutcome failed(ProposedEntry entry, Throwable failure) {
    Throwable error = failure;
    while (error instanceof CompletionException && error.getCause() != null) {
      error = error.getCause();
    }
    String why = self + ": " + error.getMessage();
    if (entry.mayBeAppended()) {
      return new ProposeOutcome.Unknown(why);
    }
    if (error instanceof NotLeaderException notLeader) {
      RaftPeer leader = notLeader.getSuggestedLeader();
      return new ProposeOutcome.TryElsewhere(
          LogGroups.node(leader == null ? null : leader.getId()), self + " does not lead it");
    }
    if (error instanceof LeaderNotReadyException) {
      return new ProposeOutcome.TryElsewhere(
          Optional.of(self), self + " was elected and is not ready yet");
    }
    if (error instanceof LeaderSteppingDownException
        || error instanceof ServerNotReadyException
        || error instanceof AlreadyClosedException) {
      return new ProposeOutcome.TryElsewhere(Optional.empty(), why);
    }
    return new ProposeOutcome.Refused(why);
  }

  OrderedLogs.Read read(LogId log, long index) {
    Optional<RaftServer.Division> division =
        copies.division(log).filter(it -> it.getInfo().isAlive());
    if (index < 0 || index > committed(log)) {
      return new OrderedLogs.Unavailable("it is not committed here");
    }
    if (division.isEmpty()) {
      return new OrderedLogs.Unavailable("the log is being opened again");
    }
    LogEntryProto entry;
    try {
      entry = division.get().getRaftLog().get(index);
    } catch (RaftLogIOException e) {
      throw new UncheckedIOException(
          "cannot read entry " + index + " of " + log + ": " + e.getMessage(), e);
    } catch (IllegalStateException e) {
      return new OrderedLogs.Unavailable("the log closes: " + e.getMessage());
    }
    if (entry == null) {
      return new OrderedLogs.Unavailable("it was purged, or is not there yet");
    }
    if (!entry.hasStateMachineLogEntry()) {
      return new OrderedLogs.RaftOwn();
    }
    ByteString payload = LogStateMachine.payload(entry);
    return payload.equals(ProposedEntry.NUDGE)
        ? new OrderedLogs.RaftOwn()
        : new OrderedLogs.Entry(entry.getTerm(), payload);
  }

  long committed(LogId log) {
    return copies.copy(log).committed();
  }

  CopyFloor floor(LogId log) {
    return copies.copy(log).floor();
  }

  /** Empty when unknown. */
  Optional<NodeId> leader(LogId log) {
    return copies.division(log).flatMap(it -> LogGroups.node(it.getInfo().getLeaderId()));
  }

  boolean leads(LogId log) {
    return copies.division(log).filter(it -> it.getInfo().isLeader()).isPresent();
  }

  Optional<NodeId> otherLeader(LogId log) {
    return copies.copy(log).otherLeader();
  }

  /**
   * What is known of all logs.
   *
   * @param active number of shards that get new entries
   */
  List<LogStatus> status(int active) {
    return copies.logs().stream().map(log -> status(log, log.number() <= active)).toList();
  }

  private LogStatus status(LogId log, boolean active) {
    LogCopy copy = copies.copy(log);
    return new LogStatus(
        log,
        leader(log),
        copies.division(log).map(it -> it.getInfo().getCurrentTerm()).orElse(0L),
        copy.committed(),
        copy.floor().floor(),
        copy.floor().bytes(),
        members.voters(log),
        members.listeners(log),
        active,
        copy.trouble());
  }

  /** Members that the leader of this log, which is this node, heard lately; with this node. */
  Set<NodeId> live(LogId log) {
    Set<NodeId> live = new HashSet<>();
    live.add(self);
    Optional<RaftServer.Division> division = copies.division(log);
    if (division.isEmpty()) {
      return live;
    }
    RoleInfoProto role = division.get().getInfo().getRoleInfoProto();
    for (ServerRpcProto follower : role.getLeaderInfo().getFollowerInfoList()) {
      if (follower.getLastRpcElapsedTimeMs() < LIVE_MILLIS) {
        LogGroups.node(RaftPeerId.valueOf(follower.getId().getId())).ifPresent(live::add);
      }
    }
    return live;
  }

  NodeId self() {
    return self;
  }

  /**
   * Hands leadership over, if this node has it; to nobody in particular when the target is null.
   * Completes with an error message, or null.
   */
  CompletableFuture<@Nullable String> transfer(LogId log, @Nullable NodeId to) {
    RaftPeerId peer = to == null ? null : members.peer(log, to).orElse(null);
    if (to != null && peer == null) {
      return CompletableFuture.completedFuture(to + " is not a member of " + log);
    }
    TransferLeadershipRequest request =
        new TransferLeadershipRequest(
            clientId,
            server.getId(),
            groups.groupId(log),
            callIds.incrementAndGet(),
            peer,
            TRANSFER_MILLIS);
    CompletableFuture<RaftClientReply> reply;
    try {
      reply = server.transferLeadershipAsync(request);
    } catch (IOException e) {
      return CompletableFuture.completedFuture(e.getMessage());
    }
    return reply.handle(
        (answer, failure) -> {
          Throwable error = failure != null ? failure : answer.getException();
          return error == null ? null : String.valueOf(error.getMessage());
        });
  }
}
