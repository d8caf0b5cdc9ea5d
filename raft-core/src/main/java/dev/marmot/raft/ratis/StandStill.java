package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.LeadingReply;
import dev.marmot.proto.v1.LeadingRequest;
import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.raftlog.RaftLog;
import org.jspecify.annotations.Nullable;

/**
 * Notices copies that stand still although their leader says that it has more, and says so. A copy
 * that has committed another entry than its leader can never go on. When it holds nothing but
 * entries of Raft's own, nobody got anything of it and none of it counts anywhere, since the
 * leader's entry is the committed one: it is made anew. Confined to the worker thread.
 */
final class StandStill {
  private static final Duration CALL = Duration.ofSeconds(2);

  private final LogCopies copies;
  private final LogReopening reopening;
  private final RaftDirectory directory;
  private final ScheduledExecutorService worker;
  private final Duration limit;
  private final Map<LogId, Seen> seen = new HashMap<>();
  private final Set<LogId> asked = new HashSet<>();

  /** Where a copy stood and since when. Immutable. */
  private record Seen(long committed, long nanos) {}

  /**
   * @param limit how long a copy may stand still
   */
  StandStill(
      LogCopies copies,
      LogReopening reopening,
      RaftDirectory directory,
      ScheduledExecutorService worker,
      Duration limit) {
    this.copies = copies;
    this.reopening = reopening;
    this.directory = directory;
    this.worker = worker;
    this.limit = limit;
  }

  /** One look at a copy that is open. */
  void look(LogCopy copy, LogStateMachine machine) {
    long now = System.nanoTime();
    long committed = copy.committed();
    LogCopy.Told told = copy.told();
    boolean behind =
        told != null
            && told.committed() > committed
            && now - told.nanos() < limit.toNanos()
            // Being behind what the leader still has is looked after elsewhere, and takes its time.
            && !machine.meeting().open();
    Seen before = seen.get(copy.log());
    if (!behind || told == null || before == null || before.committed() != committed) {
      seen.put(copy.log(), new Seen(committed, now));
      if (before != null && before.committed() != committed) {
        copy.trouble(null);
      }
    } else if (now - before.nanos() > limit.toNanos()) {
      copy.trouble(
          "the raft log of %s stands still at %d, its leader %s is at %d"
              .formatted(copy.log(), committed, told.leader(), told.committed()));
      compare(copy, told.leader());
    }
  }

  private void compare(LogCopy copy, NodeId leader) {
    RaftLog log = copies.division(copy.log()).map(RaftServer.Division::getRaftLog).orElse(null);
    if (log == null || copy.floor().current() != null || log.getStartIndex() > 0) {
      return; // what such a copy lacks below its floor it gets with a snapshot
    }
    var first = log.getTermIndex(0);
    if (first == null || !asked.add(copy.log())) {
      return;
    }
    long term = first.getTerm();
    ByteString request =
        LeadingRequest.newBuilder().setLog(copy.log().number()).setIndex(0).build().toByteString();
    var unused =
        copies
            .peers()
            .call(leader, Groups.LEADING, request, CALL)
            .whenCompleteAsync((reply, failure) -> compared(copy, term, leader, reply), worker);
  }

  private void compared(LogCopy copy, long term, NodeId leader, @Nullable ByteString bytes) {
    asked.remove(copy.log());
    LeadingReply reply;
    try {
      reply = bytes == null ? LeadingReply.getDefaultInstance() : LeadingReply.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return; // asked again in a moment
    }
    if (!reply.getLeads() || !reply.hasTerm() || reply.getTerm() == term) {
      return;
    }
    if (holdsOnlyOwn(copy)) {
      reopening.reopen(
          copy,
          "its first entry is of term %d, the one of its leader %s of term %d"
              .formatted(term, leader, reply.getTerm()),
          () -> begin(copy));
    } else {
      copy.trouble(
          "the raft log of %s holds other entries than its leader %s has committed: move the raft-path of this node aside (not the SQLite file) and start it with --join"
              .formatted(copy.log(), leader));
    }
  }

  private void begin(LogCopy copy) throws IOException {
    directory.clear(copy.log());
    copy.forget();
    seen.remove(copy.log());
  }

  private boolean holdsOnlyOwn(LogCopy copy) {
    RaftLog log = copies.division(copy.log()).map(RaftServer.Division::getRaftLog).orElseThrow();
    try {
      for (long index = 0; index < log.getNextIndex(); index++) {
        LogEntryProto entry = log.get(index);
        if (entry == null || entry.hasStateMachineLogEntry()) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
