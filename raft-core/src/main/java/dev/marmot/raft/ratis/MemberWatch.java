package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Notices who came and who left, this node included. Confined to the worker thread. */
final class MemberWatch {
  private static final Logger logger = LoggerFactory.getLogger(MemberWatch.class);
  private static final long EVERY_MILLIS = 250;

  private final NodeId self;
  private final StateFile state;
  private final Members members;
  private final LogCopies copies;
  private final RemovalCheck removal;
  private final ScheduledExecutorService worker;

  /** The newest entry of the order log that says that this node is a member; -1 before. */
  private long since = -1;

  MemberWatch(
      NodeId self,
      StateFile state,
      Members members,
      LogCopies copies,
      RemovalCheck removal,
      ScheduledExecutorService worker) {
    this.self = self;
    this.state = state;
    this.members = members;
    this.copies = copies;
    this.removal = removal;
    this.worker = worker;
  }

  void start() {
    // Ends with the worker, which belongs to the node.
    var unused =
        worker.scheduleWithFixedDelay(
            this::round, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void round() {
    try {
      copies.peers().members(members.all());
      if (state.state().getMember()) {
        if (members.excludes(LogId.ORDER)) {
          removal.suspect();
        } else {
          since = Math.max(since, members.settledSince(LogId.ORDER));
        }
        removal.round(since);
      } else if (joined()) {
        state.change(builder -> builder.setMember(true));
        logger.atInfo().addKeyValue("node", self).log("joined the cluster");
      } else if (removal.isTold()) {
        removal.round(since);
      }
    } catch (IOException | RuntimeException e) {
      // An exception would end the schedule silently; the next round tries again.
      logger.atWarn().setCause(e).log("watching the members failed");
    }
  }

  private boolean joined() {
    List<LogId> logs = copies.logs();
    return !logs.isEmpty() && logs.stream().allMatch(members::joined);
  }
}
