package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.GroupManagementRequest;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.exceptions.GroupMismatchException;
import org.apache.ratis.server.RaftServer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens logs again that have ended, or that are stuck, in the running server. When that fails, or
 * the log ends again soon, it is tried again, less and less often, for ever: whoever can mend the
 * cause need not restart the node. Confined to the worker thread.
 */
final class LogReopening {
  private static final Logger logger = LoggerFactory.getLogger(LogReopening.class);
  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A log that was open for so long has recovered. */
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(20);

  private final LogGroups groups;
  private final RaftServer server;
  private final RaftDirectory directory;
  private final FailureSignal failures;
  private final DiskRoom room;
  private final ClientId clientId = ClientId.randomId();
  private final AtomicLong callIds = new AtomicLong();
  private final Map<LogId, Tries> tries = new HashMap<>();

  LogReopening(
      LogGroups groups,
      RaftServer server,
      RaftDirectory directory,
      FailureSignal failures,
      DiskRoom room) {
    this.groups = groups;
    this.server = server;
    this.directory = directory;
    this.failures = failures;
    this.room = room;
  }

  /** A log that stays open has no trouble of this kind any more. */
  void open(LogCopy copy) {
    Tries last = tries.get(copy.log());
    if (last != null && System.nanoTime() - last.lastNanos() > QUIET_NANOS) {
      tries.remove(copy.log());
      copy.trouble(null);
    }
  }

  /** What was tried lately with one log. Immutable. */
  private record Tries(long lastNanos, long pauseNanos) {
    boolean due(long now) {
      return now - lastNanos >= pauseNanos;
    }

    static Tries after(@Nullable Tries before, long now) {
      if (before == null) {
        return new Tries(now, FIRST_PAUSE_NANOS);
      }
      return new Tries(now, Math.min(2 * before.pauseNanos(), LONGEST_PAUSE_NANOS));
    }
  }

  /** Work on the files of a log while nobody has it open. */
  interface Mending {
    void mend() throws IOException;
  }

  /** Opens a log again, unless that was tried just now. */
  void reopen(LogCopy copy, String why) {
    reopen(copy, why, () -> {});
  }

  /**
   * The same.
   *
   * @param mending done between closing and opening
   */
  void reopen(LogCopy copy, String why, Mending mending) {
    LogId log = copy.log();
    long now = System.nanoTime();
    Tries before = tries.get(log);
    if (failures.over() || (before != null && !before.due(now))) {
      return;
    }
    tries.put(log, Tries.after(before, now));
    logger.atInfo().addKeyValue("log", log).addKeyValue("reason", why).log("opening it again");
    try {
      close(copy);
      mending.mend();
      directory.mend(log);
      manage(
          GroupManagementRequest.newAdd(
              clientId,
              server.getId(),
              callIds.incrementAndGet(),
              // Without members: they are on disk.
              RaftGroup.valueOf(groups.groupId(log)),
              false));
      if (before == null) {
        copy.trouble(null);
      } else {
        copy.trouble("the raft log of " + log + " ends again and again: " + why);
      }
    } catch (CompletionException | IOException e) {
      Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
      if (DiskRoom.isFull(cause)) {
        room.full(String.valueOf(cause.getMessage()));
        return;
      }
      copy.failed("cannot open the raft log of " + log + " again: " + cause.getMessage());
      logger.atError().addKeyValue("log", log).setCause(e).log("log not opened again");
    }
  }

  /**
   * Closes a log until it is opened again. What was tried with it before says nothing about
   * afterwards.
   */
  void park(LogCopy copy) {
    tries.remove(copy.log());
    close(copy);
  }

  private void close(LogCopy copy) {
    LogStateMachine machine = copy.machine();
    if (machine != null) {
      machine.expectClose();
    }
    RaftGroupId group = groups.groupId(copy.log());
    try {
      manage(
          GroupManagementRequest.newRemove(
              clientId, server.getId(), callIds.incrementAndGet(), group, false, false));
    } catch (CompletionException e) {
      // Gone already, from a try that got no further.
      if (!(e.getCause() instanceof GroupMismatchException)) {
        throw e;
      }
    }
  }

  private void manage(GroupManagementRequest request) {
    RaftClientReply reply = server.groupManagementAsync(request).join();
    if (!reply.isSuccess()) {
      throw new CompletionException(reply.getException());
    }
  }
}
