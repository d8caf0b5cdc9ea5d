package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.Retention;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.SnapshotManagementRequest;
import org.apache.ratis.server.RaftServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the log copies: purges them when their floors may rise, and has a log opened again
 * that has ended or is stuck. Confined to the worker thread.
 */
final class LogKeeper {
  private static final Logger logger = LoggerFactory.getLogger(LogKeeper.class);
  private static final Retention NOTHING = new Retention(0, 0);
  private static final long EVERY_MILLIS = 500;
  private static final long PURGE_TIMEOUT_MILLIS = 3000;

  private final LogGroups groups;
  private final LogCopies copies;
  private final RaftServer server;
  private final ScheduledExecutorService worker;
  private final LogParking parking;
  private final LogReopening reopening;
  private final StandStill standStill;
  private final Limits limits;
  private final ClientId clientId = ClientId.randomId();
  private final AtomicLong callIds = new AtomicLong();
  private final Set<LogId> purging = ConcurrentHashMap.newKeySet();

  /**
   * What to keep and how long to wait. Immutable.
   *
   * @param retention of a log that is in use; nothing is kept of a retired shard
   * @param active number of shards in use
   * @param stuck how long Ratis may leave an answered question about a floor
   */
  record Limits(Retention retention, IntSupplier active, Duration stuck) {}

  LogKeeper(
      LogGroups groups,
      LogCopies copies,
      RaftServer server,
      ScheduledExecutorService worker,
      LogParking parking,
      LogReopening reopening,
      StandStill standStill,
      Limits limits) {
    this.groups = groups;
    this.copies = copies;
    this.server = server;
    this.worker = worker;
    this.parking = parking;
    this.reopening = reopening;
    this.standStill = standStill;
    this.limits = limits;
  }

  void start() {
    // Ends with the worker, which belongs to the node.
    var unused =
        worker.scheduleWithFixedDelay(
            this::round, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void round() {
    try {
      if (!parking.round()) {
        return;
      }
    } catch (IOException | RuntimeException e) {
      logger.atWarn().setCause(e).log("looking for room on the disk failed");
    }
    for (LogId log : copies.logs()) {
      try {
        look(copies.copy(log));
      } catch (IOException | RuntimeException e) {
        // An exception would end the schedule silently; the next round tries again.
        logger.atWarn().addKeyValue("log", log).setCause(e).log("looking after a raft log failed");
      }
    }
  }

  private void look(LogCopy copy) throws IOException {
    LogStateMachine machine = copy.machine();
    boolean retired = copy.log().number() > limits.active().getAsInt();
    copy.floor().retain(retired ? NOTHING : limits.retention());
    String end = copy.end();
    if (end != null) {
      reopening.reopen(copy, end);
    } else if (machine != null && machine.meeting().stuck(System.nanoTime(), limits.stuck())) {
      reopening.reopen(copy, "Ratis has lost the answer to its question about a floor");
    } else if (copy.floor().due(copy.committed()) && purging.add(copy.log())) {
      purge(copy.log());
    }
    if (end == null && machine != null) {
      reopening.open(copy);
      standStill.look(copy, machine);
    }
  }

  private void purge(LogId log) {
    SnapshotManagementRequest request =
        SnapshotManagementRequest.newCreate(
            clientId,
            server.getId(),
            groups.groupId(log),
            callIds.incrementAndGet(),
            PURGE_TIMEOUT_MILLIS,
            // Not 0, which stands for Ratis' own default of many entries.
            1);
    var unused =
        server
            .snapshotManagementAsync(request)
            .whenComplete(
                (reply, failure) -> {
                  purging.remove(log);
                  Throwable error = failure != null ? failure : reply.getException();
                  if (error != null) {
                    logger
                        .atDebug()
                        .addKeyValue("log", log)
                        .addKeyValue("cause", error.getMessage())
                        .log("raft log not purged now");
                  }
                });
  }
}
