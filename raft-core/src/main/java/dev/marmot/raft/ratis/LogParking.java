package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes all logs of this node while their disk has no room, and lets them be opened again
 * afterwards. Confined to the worker thread.
 *
 * <p>A log of Ratis that could not write once refuses every further entry until it is opened again,
 * and a vote that cannot be written may not be given. So a full disk makes this node one that is
 * down to the others, and nothing else: what it has acknowledged is on the disk (see {@link
 * SyncedAppends}).
 */
final class LogParking {
  private static final Logger logger = LoggerFactory.getLogger(LogParking.class);

  private final LogCopies copies;
  private final LogReopening reopening;
  private final DiskRoom room;
  private final Set<LogId> parked = new TreeSet<>();
  private boolean allParked;

  LogParking(LogCopies copies, LogReopening reopening, DiskRoom room) {
    this.copies = copies;
    this.reopening = reopening;
    this.room = room;
  }

  /** Closes what is to be closed; says whether the logs may be open. */
  boolean round() throws IOException {
    boolean before = room.shortage().isPresent();
    // A log that could not write must be closed, whatever the disk says now.
    if (!before || allParked) {
      room.look();
    }
    boolean full = room.shortage().isPresent();
    if (before && !full) {
      logger.atInfo().addKeyValue("logs", parked.size()).log("room again, opening the raft logs");
    }
    if (full) {
      park();
    } else {
      open();
    }
    return parked.isEmpty();
  }

  private void park() {
    if (!allParked) {
      logger
          .atWarn()
          .addKeyValue("reason", room.shortage().orElse(""))
          .log("no room: raft logs closed, the application's own file is not touched");
    }
    for (LogId log : copies.logs()) {
      // Also one that was opened meanwhile, because another node asked for it.
      if (parked.add(log) || copies.division(log).isPresent()) {
        reopening.park(copies.copy(log));
      }
    }
    allParked = true;
  }

  private void open() {
    allParked = false;
    for (LogId log : parked) {
      copies.copy(log).parked("there is room again");
    }
    parked.clear();
  }
}
