package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.raft.Retention;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiConsumer;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.server.RaftServer;
import org.jspecify.annotations.Nullable;

/** All log copies of this node, and the part of Ratis that serves each. Thread-safe. */
final class LogCopies {
  private final NodeId self;
  private final LogGroups groups;
  private final Retention retention;
  private final OrderedLogs.Listener listener;
  private final FailureSignal failures;
  private final RemovalCheck removal;
  private final Peers peers;
  private final DiskRoom room;
  private final ScheduledExecutorService worker;
  private final Map<LogId, LogCopy> copies = new ConcurrentSkipListMap<>();
  private volatile BiConsumer<LogId, NodeId> onLeader = (log, leader) -> {};
  private volatile @Nullable RaftServer server;

  LogCopies(
      Identity identity,
      OrderedLogs.Listener listener,
      FailureSignal failures,
      RemovalCheck removal,
      Peers peers,
      ScheduledExecutorService worker) {
    this.self = identity.self();
    this.groups = identity.groups();
    this.retention = identity.retention();
    this.room = identity.room();
    this.listener = listener;
    this.failures = failures;
    this.removal = removal;
    this.peers = peers;
    this.worker = worker;
  }

  /** Whose copies these are. Immutable. */
  record Identity(NodeId self, LogGroups groups, Retention retention, DiskRoom room) {}

  /** Called by Ratis each time that it opens a log. */
  LogStateMachine open(RaftGroupId group) {
    LogId log =
        groups.log(group).orElseThrow(() -> new IllegalStateException("unknown raft log " + group));
    LogCopy copy = copies.computeIfAbsent(log, id -> new LogCopy(id, retention));
    FloorMeeting meeting = new FloorMeeting(copy, listener, peers, worker, failures);
    LogStateMachine machine =
        new LogStateMachine(copy, meeting, this, listener, failures, removal, room);
    copy.machine(machine);
    return machine;
  }

  /** Sets who is told of each leader of a log that Ratis names, under a lock of Ratis. */
  void onLeader(BiConsumer<LogId, NodeId> watcher) {
    onLeader = watcher;
  }

  /** Ratis names a leader. */
  void leads(LogId log, NodeId leader) {
    onLeader.accept(log, leader);
  }

  NodeId self() {
    return self;
  }

  Peers peers() {
    return peers;
  }

  /** Before the server starts. */
  void serve(RaftServer built) {
    server = built;
  }

  /** In order of their numbers. */
  List<LogId> logs() {
    return List.copyOf(copies.keySet());
  }

  Optional<LogCopy> find(LogId log) {
    return Optional.ofNullable(copies.get(log));
  }

  LogCopy copy(LogId log) {
    LogCopy copy = copies.get(log);
    if (copy == null) {
      throw new IllegalArgumentException(
          "cannot find " + log + ": this node has " + (copies.size() - 1) + " shards");
    }
    return copy;
  }

  /** Empty while Ratis opens the log anew. */
  Optional<RaftServer.Division> division(LogId log) {
    RaftServer now = server;
    if (now == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(now.getDivision(groups.groupId(copy(log).log())));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
