package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.jspecify.annotations.Nullable;

/**
 * Answers the appends of leaders to one log, from when it is opened until it ends: success means
 * that the entries are synced. Thread-safe.
 *
 * <p>Ratis (3.3.0) answers at once for entries that it has in memory already. So a leader that
 * sends them again, as it does after every lost connection, would count them while their write
 * still waits, or when it has failed for want of room: they could be committed and then be gone.
 * Here such an answer waits for every append that brought one of the same entries, and for the sync
 * of what this node wrote as a leader itself. After a failed write nothing more is acknowledged
 * until the log is opened again. Ratis also never answers the appends whose writes wait when a log
 * is closed, and its leader would wait for ever behind them: they are answered with a failure.
 */
final class SyncedAppends {
  /** Waiting so is rare: a node that was the leader gets back what it wrote. */
  private static final Executor SOON = CompletableFuture.delayedExecutor(2, TimeUnit.MILLISECONDS);

  @GuardedBy("this")
  private final Set<Append> running = new LinkedHashSet<>();

  @GuardedBy("this")
  private @Nullable String end;

  /** Appends to the log of Ratis. */
  interface Log {
    CompletableFuture<AppendEntriesReplyProto> append() throws IOException;
  }

  /** How far the log is synced. */
  interface Synced {
    long index() throws IOException;
  }

  /**
   * One append that Ratis works on.
   *
   * @param first index of its first entry
   * @param over completed when Ratis has written it, or has failed to
   */
  private record Append(
      long first, CompletableFuture<@Nullable Void> over, CompletableFuture<?> answer) {}

  /** The answer to a request with entries. */
  CompletableFuture<AppendEntriesReplyProto> append(
      AppendEntriesRequestProto request, Log log, Synced synced) throws IOException {
    CompletableFuture<AppendEntriesReplyProto> answer = new CompletableFuture<>();
    Append append = new Append(request.getEntries(0).getIndex(), new CompletableFuture<>(), answer);
    synchronized (this) {
      if (end != null) {
        throw failure();
      }
      running.add(append); // before Ratis has the entries in memory, where others find them
    }
    CompletableFuture<AppendEntriesReplyProto> done;
    try {
      done = log.append();
    } catch (IOException | RuntimeException e) {
      over(append);
      throw e;
    }
    var unused =
        done.whenComplete(
            (reply, failure) -> {
              over(append);
              if (failure != null) {
                answer.completeExceptionally(failure);
              } else if (reply.getResult() != AppendResult.SUCCESS) {
                answer.complete(reply);
              } else {
                confirm(reply, answer, synced);
              }
            });
    return answer;
  }

  private void over(Append append) {
    synchronized (this) {
      running.remove(append);
    }
    append.over().complete(null);
  }

  private void confirm(
      AppendEntriesReplyProto reply,
      CompletableFuture<AppendEntriesReplyProto> answer,
      Synced synced) {
    CompletableFuture<?>[] before;
    synchronized (this) {
      before =
          running.stream()
              .filter(other -> other.first() <= reply.getMatchIndex())
              .map(Append::over)
              .toArray(CompletableFuture<?>[]::new);
    }
    var unused =
        CompletableFuture.allOf(before)
            .whenComplete((none, failure) -> confirmSynced(reply, answer, synced));
  }

  private void confirmSynced(
      AppendEntriesReplyProto reply,
      CompletableFuture<AppendEntriesReplyProto> answer,
      Synced synced) {
    try {
      synchronized (this) {
        if (end != null) {
          throw failure();
        }
      }
      if (synced.index() >= reply.getMatchIndex()) {
        answer.complete(reply);
      } else {
        SOON.execute(() -> confirmSynced(reply, answer, synced));
      }
    } catch (IOException | RuntimeException e) {
      answer.completeExceptionally(e);
    }
  }

  /** Nothing more is acknowledged until the log is opened again. */
  void end(String why) {
    List<Append> left;
    IOException failure;
    synchronized (this) {
      if (end == null) {
        end = why;
      }
      left = List.copyOf(running);
      failure = failure();
    }
    for (Append append : left) {
      append.answer().completeExceptionally(failure);
      append.over().complete(null); // Ratis may never say so
    }
  }

  @GuardedBy("this")
  private IOException failure() {
    return new IOException("cannot acknowledge entries of this log now: " + end);
  }
}
