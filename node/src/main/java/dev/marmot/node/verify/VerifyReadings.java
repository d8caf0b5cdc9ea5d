package dev.marmot.node.verify;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.VerifyCloseReply;
import dev.marmot.proto.v1.VerifyCloseRequest;
import dev.marmot.proto.v1.VerifyHashesRequest;
import dev.marmot.proto.v1.VerifyKeysRequest;
import dev.marmot.proto.v1.VerifyResendReply;
import dev.marmot.proto.v1.VerifyResendRequest;
import dev.marmot.proto.v1.VerifyRowsRequest;
import dev.marmot.raft.PeerHandler;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's part in comparisons: keeps readings of the file for those under way, hashes them on a
 * thread of its own, and gives them up after a while, since an open reading lets the WAL grow.
 * Thread-safe.
 */
public final class VerifyReadings implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(VerifyReadings.class);
  private static final int MOST = 2;
  private static final int REMEMBERED = 64;
  private static final Duration IDLE = Duration.ofMinutes(2);
  private static final Duration LONGEST = Duration.ofMinutes(30);
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final SqliteReplicaStore store;
  private final ScheduledExecutorService thread;

  @GuardedBy("this")
  private final Map<String, Session> sessions = new LinkedHashMap<>();

  /** Of comparisons that are over: a node that is late must open nothing for them. */
  @GuardedBy("this")
  private final Map<String, Boolean> over = new LinkedHashMap<>();

  public VerifyReadings(int self, SqliteReplicaStore store) {
    this.store = store;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread worker = new Thread(task, "n" + self + "-verify-readings");
              worker.setDaemon(true);
              return worker;
            });
    var unused =
        thread.scheduleWithFixedDelay(
            this::expire, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** A fence was passed. Called on the applier's thread, with the file standing right there. */
  public void fired(Fence fence, long position) {
    if (!fence.hasVerify() || isOver(fence.getId())) {
      return;
    }
    Session session = session(fence.getId());
    try {
      session.opened(store.openRead());
    } catch (RuntimeException e) { // comparing must never keep a node from replicating
      log.atWarn().addKeyValue("position", position).setCause(e).log("no reading");
      session.failed(e);
    }
  }

  private synchronized boolean isOver(String id) {
    return over.containsKey(id);
  }

  private synchronized Session asked(String id) {
    if (over.containsKey(id)) {
      throw new IllegalStateException(
          "cannot compare: this node has given the comparison up; verify again");
    }
    return session(id);
  }

  private synchronized Session session(String id) {
    Session known = sessions.get(id);
    if (known != null) {
      return known;
    }
    while (sessions.size() >= MOST) {
      end(sessions.keySet().iterator().next());
    }
    Session session = new Session(thread);
    sessions.put(id, session);
    return session;
  }

  private synchronized void end(String id) {
    over.put(id, true);
    if (over.size() > REMEMBERED) {
      over.remove(over.keySet().iterator().next());
    }
    Session ended = sessions.remove(id);
    if (ended != null) {
      ended.close();
    }
  }

  private synchronized void expire() {
    List<String> old = new ArrayList<>();
    sessions.forEach(
        (id, session) -> {
          if (session.isOlder(IDLE.toNanos(), LONGEST.toNanos())) {
            old.add(id);
          }
        });
    for (String id : old) {
      log.atInfo().addKeyValue("fence", id).log("comparison given up");
      end(id);
    }
  }

  /** What this node answers to the one that compares. */
  public Map<String, PeerHandler> handlers() {
    return Map.of(
        VerifyCalls.KEYS,
        bytes ->
            answer(
                () ->
                    asked(VerifyKeysRequest.parseFrom(bytes).getId())
                        .ask(Answers::keys)
                        .thenApply(reply -> reply.toByteString())),
        VerifyCalls.HASHES,
        bytes ->
            answer(
                () -> {
                  VerifyHashesRequest request = VerifyHashesRequest.parseFrom(bytes);
                  return asked(request.getId())
                      .ask(reading -> Answers.hashes(reading, request).toByteString());
                }),
        VerifyCalls.ROWS,
        bytes ->
            answer(
                () -> {
                  VerifyRowsRequest request = VerifyRowsRequest.parseFrom(bytes);
                  return asked(request.getId())
                      .ask(reading -> Answers.rows(reading, request).toByteString());
                }),
        VerifyCalls.RESEND,
        bytes -> answer(() -> resend(VerifyResendRequest.parseFrom(bytes))),
        VerifyCalls.CLOSE,
        bytes ->
            answer(
                () -> {
                  end(VerifyCloseRequest.parseFrom(bytes).getId());
                  return CompletableFuture.completedFuture(
                      VerifyCloseReply.getDefaultInstance().toByteString());
                }));
  }

  private CompletionStage<ByteString> resend(VerifyResendRequest request) {
    return CompletableFuture.supplyAsync(
        () -> {
          int rows = store.resend(ChangeSetCodec.decode(request.getKeys().toByteArray()));
          log.atInfo().addKeyValue("rows", rows).log("rows sent again to repair other nodes");
          return VerifyResendReply.newBuilder().setRows(rows).build().toByteString();
        },
        thread);
  }

  private static CompletionStage<ByteString> answer(Handler handler) {
    try {
      return handler.answer();
    } catch (InvalidProtocolBufferException | RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private interface Handler {
    CompletionStage<ByteString> answer() throws InvalidProtocolBufferException;
  }

  @Override
  public void close() {
    synchronized (this) {
      List.copyOf(sessions.keySet()).forEach(this::end);
    }
    thread.shutdown();
    try {
      if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
        log.atWarn().log("a reading is still being hashed while the node closes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
