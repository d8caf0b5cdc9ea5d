package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.Fence;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.FileSetBackException;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
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
  private static final Duration ORIGIN_PATIENCE = Duration.ofMinutes(2);

  private final int self;
  private final ReplicaStore store;
  private final EpochCounter counter;
  private final OriginOptions originOptions;
  private final ApplierOptions applierOptions;
  private final ChunkIndex chunks;
  private volatile boolean rowsInDoubt;

  /** Keeps the logs while the rows are in doubt. */
  private volatile ChunkIndex.@Nullable Hold doubt;

  private final Skips skips;
  private final Pace pace;
  private final StateWaiters waiters;
  private final Queue<PendingInstall> installs = new ConcurrentLinkedQueue<>();
  private final Queue<Lesson> lessons = new ConcurrentLinkedQueue<>();
  private volatile BiConsumer<Fence, Long> onFence = (fence, position) -> {};
  private volatile Consumer<RuntimeException> onOlderCopy = failure -> {};
  private volatile long newestEntry = LogPosition.NONE.index();
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
    this.skips = new Skips(store, ProtocolRules.ALL);
    this.waiters = new StateWaiters(store::state);
  }

  /**
   * The rows of the file are not what its position says, since it is a copy of another node's file
   * or was set back: nothing is applied until a snapshot is installed. Call before the start.
   */
  public void doubtRows() {
    rowsInDoubt = true;
    if (doubt == null) {
      doubt = chunks.hold();
    }
  }

  /**
   * Starts capturing and applying. The logs may have handed over entries before.
   *
   * @param leadsOrderLog whether this node is the one that looks after the others' epochs now
   */
  public void start(OrderedLogs logs, BooleanSupplier leadsOrderLog) {
    OlderCopyCheck check =
        new OlderCopyCheck(
            self,
            store.state(),
            store.newestSeq(),
            Floors.proven(logs),
            counter.load(),
            counter::isForeign);
    Applier applier =
        new Applier(
            self,
            new WatchedLogs(logs, check),
            store,
            chunks,
            applierOptions.maxRows(),
            ProtocolRules.ALL,
            new Fences());
    Origin origin =
        new Origin(
            self, logs, store, chunks, counter, originOptions, ProtocolRules.ALL, this::wakeOrigin);
    Upkeep upkeep =
        new Upkeep(
            self,
            logs,
            store,
            chunks,
            skips,
            new Upkeep.Options(ORIGIN_PATIENCE, leadsOrderLog, ProtocolRules.ALL));
    origin.open();
    Loop applierLoop = new Loop("n" + self + "-applier", () -> apply(applier));
    Loop originLoop = new Loop("n" + self + "-origin", () -> send(origin, upkeep));
    parts = new Parts(logs, check, applier, origin, applierLoop, originLoop);
    store.onCommit(this::wakeOrigin);
    applierLoop.start();
    originLoop.start();
  }

  @Override
  public void committed(LogId logId, LogPosition position, ByteString entry) {
    if (logId.isOrderLog()) {
      newestEntry = position.index();
    } else {
      chunks.committed(logId, position, entry);
    }
    Parts started = parts;
    if (started != null) {
      started.applierLoop().wake();
    }
  }

  @Override
  public CompletionStage<Floor> behind(LogId logId, Floor floor) {
    log.atInfo()
        .addKeyValue("log", logId)
        .addKeyValue("floor", floor.index())
        .addKeyValue("needed", floor.position())
        .log("behind what the leader still has");
    CompletionStage<Floor> allowed = skips.behind(logId, floor);
    wakeOrigin();
    return allowed;
  }

  @Override
  public void skipped(LogId logId, Floor floor) {
    chunks.skipped(logId, floor.index());
    if (logId.isOrderLog()) {
      newestEntry = Math.max(newestEntry, floor.index() - 1);
    }
    Parts started = parts;
    if (started != null) {
      started.applierLoop().wake();
    }
  }

  /**
   * The position that this node has to get by a snapshot, because no log has what lies between;
   * empty when the logs suffice.
   */
  public OptionalLong snapshotNeeded() {
    Parts started = parts;
    long own = started == null ? -1 : Floors.needed(started.logs());
    long needed = Math.max(own, skips.needed());
    long position = store.state().position();
    if (rowsInDoubt) {
      return OptionalLong.of(Math.max(needed, position));
    }
    return needed > position ? OptionalLong.of(needed) : OptionalLong.empty();
  }

  /** The logs whose copies here begin after this node's position, so that it must not lead them. */
  public Set<LogId> behindOwnLogs() {
    Parts started = parts;
    return started == null ? Set.of() : Floors.behind(started.logs(), store.state().position());
  }

  /**
   * Copies may go on before their state is here: the snapshot that is to bring it waits until
   * writes of its donor are ordered, and perhaps nobody else is left to order them.
   *
   * @param position where the donor stands; -1 when nobody waits any more
   */
  public void donorWaits(long position) {
    skips.donorWaits(position);
    wakeOrigin();
  }

  /** Begins a snapshot of this node for another one; it belongs to the calling thread. */
  public Donation donate() {
    Parts started = parts;
    if (started == null) {
      throw new NotStartedException(
          "cannot make a snapshot: node " + self + " is still starting; try again");
    }
    if (rowsInDoubt) {
      throw new NotStartedException(
          "cannot make a snapshot: node " + self + " waits for one itself; ask another node");
    }
    return Donation.open(
        started.logs(), store, chunks, applierOptions.maxRows(), ProtocolRules.ALL);
  }

  /**
   * Takes a snapshot into the file, on the applier's thread.
   *
   * @return whether it was of use
   */
  public CompletionStage<Boolean> install(Snapshot snapshot) {
    Parts started = parts;
    if (started == null) {
      return CompletableFuture.failedFuture(
          new NotStartedException(
              "cannot install: node " + self + " is still starting; try again"));
    }
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    installs.add(new PendingInstall(snapshot, done));
    started.applierLoop().wake();
    return done;
  }

  /** Adds on the applier's thread what other nodes' conflict logs have and this one lacks. */
  public CompletionStage<Boolean> learn(List<Conflict> conflicts) {
    Parts started = parts;
    if (started == null) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("cannot learn: node " + self + " is still starting"));
    }
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    lessons.add(new Lesson(conflicts, done));
    started.applierLoop().wake();
    return done;
  }

  private void learnNext(Applier applier) {
    Lesson next = lessons.poll();
    if (next != null) {
      try {
        applier.learn(next.conflicts());
        next.done().complete(true);
      } catch (RuntimeException e) {
        next.done().completeExceptionally(e);
        throw e;
      }
    }
  }

  /** Installs on the applier's thread what was asked for. */
  private boolean installNext(Applier applier) {
    PendingInstall next = installs.poll();
    if (next == null) {
      return false;
    }
    try {
      checkOlderCopy(next.snapshot());
      boolean used = told(() -> applier.install(next.snapshot(), rowsInDoubt));
      if (used) {
        trustRows();
      }
      next.done().complete(used);
    } catch (RuntimeException e) {
      next.done().completeExceptionally(e);
    }
    return true;
  }

  private void trustRows() {
    rowsInDoubt = false;
    ChunkIndex.Hold hold = doubt;
    doubt = null;
    if (hold != null) {
      hold.close();
    }
  }

  private void checkOlderCopy(Snapshot snapshot) {
    Parts started = parts;
    if (started != null) {
      started
          .check()
          .proof(snapshot.state().lastOf(self))
          .ifPresent(
              proof -> {
                OlderCopyException failure = new OlderCopyException(proof);
                onOlderCopy.accept(failure);
                throw failure;
              });
    }
  }

  /**
   * Sets who is told, on the applier's thread, that the file was set back to an older copy of
   * itself. Nothing more is applied then. Call before the start.
   */
  public void onOlderCopy(Consumer<RuntimeException> watcher) {
    onOlderCopy = watcher;
  }

  private record PendingInstall(Snapshot snapshot, CompletableFuture<Boolean> done) {}

  private record Lesson(List<Conflict> conflicts, CompletableFuture<Boolean> done) {}

  /**
   * Sets who is told of each fence and its position, on the applier's thread: the file stands
   * exactly there, and whoever is told is quick and does not throw. Call before the start.
   */
  public void onFence(BiConsumer<Fence, Long> watcher) {
    onFence = watcher;
  }

  /** Asks for a fence. It may get lost, when this node's epoch ends: ask again for another one. */
  public void propose(Fence fence) {
    Parts started = parts;
    if (started == null) {
      throw new NotStartedException(
          "cannot set a fence: node " + self + " is still starting; try again");
    }
    started.origin().propose(fence);
  }

  private final class Fences implements Applier.Observer {
    @Override
    public void fired(Fence fence, long position) {
      log.atInfo()
          .addKeyValue("fence", fence.getId())
          .addKeyValue("position", position)
          .log("fence");
      onFence.accept(fence, position);
    }
  }

  private long send(Origin origin, Upkeep upkeep) {
    long now = TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    long wakeAt = told(() -> origin.step(now));
    upkeep.step(now);
    return Math.max(0, Math.min(IDLE_MILLIS, wakeAt - now));
  }

  /** Applies one transaction, then leaves the write lock free at least as long as it was held. */
  private long apply(Applier applier) throws InterruptedException {
    if (installNext(applier)) {
      waiters.changed();
      wakeOrigin();
      return 0;
    }
    learnNext(applier);
    long rowsBefore = applier.rows();
    if (rowsInDoubt || !told(() -> applier.step(pace.rows()))) {
      return IDLE_MILLIS;
    }
    long held = applier.heldNanos();
    pace.held(applier.rows() - rowsBefore, held);
    waiters.changed();
    wakeOrigin();
    TimeUnit.NANOSECONDS.sleep(Math.max(held, applierOptions.pause().toNanos()));
    return 0;
  }

  private <T> T told(Supplier<T> step) {
    try {
      return step.get();
    } catch (OlderCopyException | FileSetBackException e) {
      onOlderCopy.accept(e);
      throw e; // and again at each further step
    }
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
          new NotStartedException("cannot flush: node " + self + " is still starting; try again"));
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
          new NotStartedException("cannot retry: node " + self + " is still starting; try again"));
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

  /** What this node passes over in the raft logs; empty when nothing. */
  public Optional<String> unreadable() {
    return chunks.unreadable().warning();
  }

  /** Whether a part has stopped for good. */
  public boolean failed() {
    Parts started = parts;
    return started != null && (started.applierLoop().failed() || started.originLoop().failed());
  }

  /** Whether everything that was handed over of the order log is applied. */
  public boolean appliedAll() {
    return newestEntry <= store.state().position();
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

  private record Parts(
      OrderedLogs logs,
      OlderCopyCheck check,
      Applier applier,
      Origin origin,
      Loop applierLoop,
      Loop originLoop) {}
}
