package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.Fence;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the protocol on this node: one thread for the origin, one for the applier. Thread-safe.
 *
 * <p>Register it as the listener of the logs, then {@link #start} it with them.
 */
public final class Replicator implements OrderedLogs.Listener, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Replicator.class);
  private static final long IDLE_MILLIS = 1_000;

  private final int self;
  private final ReplicaStore store;
  private final EpochCounter counter;
  private final OriginOptions originOptions;
  private final ApplierOptions applierOptions;
  private final ChunkIndex chunks;
  private final Pace pace;
  private final Terms terms = new Terms();
  private final StateWaiters waiters;
  private volatile @Nullable Parts parts;

  public Replicator(
      int self,
      ReplicaStore store,
      EpochCounter counter,
      OriginOptions originOptions,
      ApplierOptions applierOptions) {
    this.self = self;
    this.store = store;
    this.counter = counter;
    this.originOptions = originOptions;
    this.applierOptions = applierOptions;
    this.pace = new Pace(applierOptions.maxRows(), applierOptions.maxHold());
    this.chunks = new ChunkIndex(store::state, ProtocolRules.ALL);
    this.waiters = new StateWaiters(store::state);
  }

  /** Starts capturing and applying. The logs may have handed over entries before. */
  public void start(OrderedLogs logs) {
    Applier applier =
        new Applier(
            self,
            logs,
            store,
            chunks,
            terms,
            applierOptions.maxRows(),
            ProtocolRules.ALL,
            Replicator::fenceFired);
    Origin origin =
        new Origin(
            self, logs, store, chunks, counter, originOptions, ProtocolRules.ALL, this::wakeOrigin);
    origin.open();
    Loop applierLoop = new Loop("n" + self + "-applier", () -> apply(applier));
    Loop originLoop = new Loop("n" + self + "-origin", () -> send(origin));
    parts = new Parts(applier, origin, applierLoop, originLoop);
    store.onCommit(this::wakeOrigin);
    applierLoop.start();
    originLoop.start();
  }

  @Override
  public void committed(LogId logId, LogPosition position, ByteString entry) {
    if (logId.isOrderLog()) {
      terms.committed(position);
    } else {
      chunks.committed(logId, position, entry);
    }
    Parts started = parts;
    if (started != null) {
      started.applierLoop().wake();
    }
  }

  private static void fenceFired(Fence fence, long position) {
    log.atInfo().addKeyValue("fence", fence.getId()).addKeyValue("position", position).log("fence");
  }

  private static long send(Origin origin) {
    long now = TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    long wakeAt = origin.step(now);
    return Math.max(0, Math.min(IDLE_MILLIS, wakeAt - now));
  }

  /** Applies one transaction, then leaves the write lock free at least as long as it was held. */
  private long apply(Applier applier) throws InterruptedException {
    long rowsBefore = applier.rows();
    if (!applier.step(pace.rows())) {
      return IDLE_MILLIS;
    }
    long held = applier.heldNanos();
    pace.held(applier.rows() - rowsBefore, held);
    waiters.changed();
    wakeOrigin();
    TimeUnit.NANOSECONDS.sleep(Math.max(held, applierOptions.pause().toNanos()));
    return 0;
  }

  private void wakeOrigin() {
    Parts started = parts;
    if (started != null) {
      started.originLoop().wake();
    }
  }

  /** What this node's own changes are doing; empty before {@link #start}. */
  public Optional<Origin.Progress> progress() {
    return Optional.ofNullable(parts).map(p -> p.origin().progress());
  }

  /** Completes when everything that is committed in the file now is ordered and applied here. */
  public CompletionStage<Long> flush() {
    Parts started = parts;
    if (started == null) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("cannot flush: node " + self + " is still starting"));
    }
    return started
        .origin()
        .newestSeq()
        .thenCompose(seq -> waiters.when(state -> seq == 0 || covers(state, seq)))
        .thenApply(ReplicaState::position);
  }

  private boolean covers(ReplicaState state, long seq) {
    LastApplied last = state.lastOf(self);
    return last.file() == state.file() && last.maxSeq() >= seq;
  }

  /** Completes when this node's file stands at this position or later. */
  public CompletableFuture<Long> reached(long position) {
    return waiters.when(state -> state.position() >= position).thenApply(ReplicaState::position);
  }

  /**
   * Tries to store the held rows again.
   *
   * @return how many are settled and how many are still held, once that is known
   */
  public CompletionStage<HeldRetry.Retried> retryHeld() {
    Parts started = parts;
    if (started == null) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("cannot retry: node " + self + " is still starting"));
    }
    CompletionStage<HeldRetry.Retried> done = started.applier().requestRetry();
    started.applierLoop().wake();
    return done;
  }

  /** What keeps this node from replicating; empty when nothing does. */
  public Optional<String> error() {
    Parts started = parts;
    if (started == null) {
      return Optional.empty();
    }
    String applying = started.applierLoop().error();
    return Optional.ofNullable(applying != null ? applying : started.originLoop().error());
  }

  /** Whether a part has stopped for good. */
  public boolean failed() {
    Parts started = parts;
    return started != null && (started.applierLoop().failed() || started.originLoop().failed());
  }

  /** Whether everything that was handed over of the order log is applied. */
  public boolean appliedAll() {
    return terms.newest() <= store.state().position();
  }

  /** Change sets applied by this process. */
  public long appliedChangeSets() {
    Parts started = parts;
    return started == null ? 0 : started.applier().changeSets();
  }

  /** Rows applied by this process. */
  public long appliedRows() {
    Parts started = parts;
    return started == null ? 0 : started.applier().rows();
  }

  /** The longest that applying ever held the write lock, in milliseconds. */
  public long longestApplyMillis() {
    return pace.longestMillis();
  }

  /** How often what the application committed was too large for one change set. */
  public long splits() {
    Parts started = parts;
    return started == null ? 0 : started.origin().splits();
  }

  @Override
  public void close() {
    Parts started = parts;
    if (started != null) {
      started.originLoop().close();
      started.applierLoop().close();
    }
  }

  private record Parts(Applier applier, Origin origin, Loop applierLoop, Loop originLoop) {}
}
