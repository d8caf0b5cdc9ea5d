package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.LeaderElectionManagementRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.server.RaftServer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps this node from leading the logs that it must not. Confined to the timer thread.
 *
 * <p>Elections are paused first, then leaders are handed over: a node that only steps down is often
 * elected again. Ratis forgets a pause when it opens a log anew.
 */
final class LeadingGate {
  private static final Logger logger = LoggerFactory.getLogger(LeadingGate.class);
  private static final long EVERY_MILLIS = 200;

  private final Supplier<Set<LogId>> forbidden;
  private volatile boolean drained;
  private final RaftServer server;
  private final LogGroups groups;
  private final LocalLogs logs;
  private final LogCopies copies;
  private final ScheduledExecutorService timer;
  private final ClientId clientId = ClientId.randomId();
  private long callIds;

  /** The state machines whose elections are paused, by log. */
  private final Map<LogId, LogStateMachine> paused = new HashMap<>();

  private final Set<LogId> leaving = new TreeSet<>();
  private int turn;

  LeadingGate(
      Supplier<Set<LogId>> forbidden,
      RaftServer server,
      LogGroups groups,
      LocalLogs logs,
      LogCopies copies,
      ScheduledExecutorService timer) {
    this.forbidden = forbidden;
    this.server = server;
    this.groups = groups;
    this.logs = logs;
    this.copies = copies;
    this.timer = timer;
  }

  void start() {
    // Ends with the timer, which belongs to the node.
    var unused = timer.scheduleWithFixedDelay(this::tick, 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Whether this node may lead every log. Thread-safe. */
  boolean open() {
    return forbidden.get().isEmpty() && !drained;
  }

  /** Gives everything up, until it is told otherwise or starts again. Thread-safe. */
  void drain(boolean begin) {
    drained = begin;
    hurry();
  }

  /** The permission has changed. Thread-safe. */
  void hurry() {
    try {
      timer.execute(this::tick);
    } catch (RejectedExecutionException e) {
      logger.atDebug().log("permission to lead changed while closing");
    }
  }

  private void tick() {
    try {
      for (LogId log : copies.logs()) {
        boolean pause = drained || forbidden.get().contains(log);
        LogStateMachine machine = copies.copy(log).machine();
        if (machine != null && pause != (paused.get(log) == machine)) {
          tell(log, machine, pause);
        }
        if (pause && logs.leads(log) && leaving.add(log)) {
          leave(log);
        }
      }
    } catch (RuntimeException e) {
      // An exception would end the schedule silently; the next round tries again.
      logger.atWarn().setCause(e).log("changing the permission to lead failed");
    }
  }

  private void tell(LogId log, LogStateMachine machine, boolean pause) {
    RaftGroupId group = groups.groupId(log);
    callIds++;
    LeaderElectionManagementRequest request =
        pause
            ? LeaderElectionManagementRequest.newPause(clientId, server.getId(), group, callIds)
            : LeaderElectionManagementRequest.newResume(clientId, server.getId(), group, callIds);
    var unused =
        server
            .leaderElectionManagementAsync(request)
            .whenCompleteAsync(
                (reply, failure) -> {
                  // Not possible before this node is a member: the next round tries again.
                  if (failure == null && reply.isSuccess()) {
                    if (pause) {
                      paused.put(log, machine);
                    } else {
                      paused.remove(log);
                    }
                  }
                },
                timer);
  }

  /** To one of the others that are up; with nobody there the log has no leader, as it must be. */
  private void leave(LogId log) {
    List<NodeId> others = new ArrayList<>(new TreeSet<>(logs.live(log)));
    others.remove(logs.self());
    NodeId to = others.isEmpty() ? null : others.get(turn++ % others.size());
    CompletableFuture<@Nullable String> left = logs.transfer(log, to);
    var unused =
        left.whenCompleteAsync(
            (error, failure) -> {
              leaving.remove(log);
              if (error != null) {
                logger
                    .atWarn()
                    .addKeyValue("log", log)
                    .addKeyValue("to", to)
                    .addKeyValue("reason", error)
                    .log("leadership not given up yet");
              }
            },
            timer);
  }
}
