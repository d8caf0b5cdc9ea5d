package dev.marmot.raft.ratis;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.GroupManagementRequest;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.exceptions.AlreadyExistsException;
import org.apache.ratis.protocol.exceptions.GroupMismatchException;
import org.apache.ratis.server.RaftServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes all logs of this node while their disk has no room, and opens them again afterwards.
 * Confined to the worker thread.
 *
 * <p>A log of Ratis that could not write once refuses every further entry until it is opened again,
 * and a vote that cannot be written may not be given. So a full disk makes this node one that is
 * down to the others, and nothing else: what it has acknowledged is on the disk. Ratis makes room
 * for an entry before it writes any byte of it, so nothing is torn.
 */
final class LogParking {
  private static final Logger logger = LoggerFactory.getLogger(LogParking.class);

  private final LogGroups groups;
  private final LogCopies copies;
  private final RaftServer server;
  private final DiskRoom room;
  private final ClientId clientId = ClientId.randomId();
  private final AtomicLong callIds = new AtomicLong();
  private final Set<LogId> parked = new TreeSet<>();
  private boolean allParked;

  LogParking(LogGroups groups, LogCopies copies, RaftServer server, DiskRoom room) {
    this.groups = groups;
    this.copies = copies;
    this.server = server;
    this.room = room;
  }

  /** Closes or opens what is to be; says whether all logs are open. */
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
        LogStateMachine machine = copies.copy(log).machine();
        if (machine != null) {
          machine.expectClose();
        }
        close(groups.groupId(log));
      }
    }
    allParked = true;
  }

  private void open() {
    allParked = false;
    for (LogId log : Set.copyOf(parked)) {
      try {
        manage(
            GroupManagementRequest.newAdd(
                clientId,
                server.getId(),
                callIds.incrementAndGet(),
                // Without members: they are on disk.
                RaftGroup.valueOf(groups.groupId(log)),
                false));
      } catch (CompletionException e) {
        if (!(e.getCause() instanceof AlreadyExistsException)) {
          room.full("cannot open " + log + " again: " + e.getCause());
          return;
        }
      }
      parked.remove(log);
    }
  }

  private void close(RaftGroupId group) {
    try {
      manage(
          GroupManagementRequest.newRemove(
              clientId, server.getId(), callIds.incrementAndGet(), group, false, false));
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof GroupMismatchException)) { // gone already
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
