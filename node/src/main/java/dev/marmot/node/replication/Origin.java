package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.InFlight.Piece;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends this node's own changes: opens an epoch, captures what the application committed, proposes
 * its chunks to the data shards, then its record to the order log, and retries until it is decided
 * (protocol.md §1, "Origin"). Confined to the origin's thread; answers of the logs are queued and
 * handled in the next {@link #step}.
 */
public final class Origin {
  private static final Logger log = LoggerFactory.getLogger(Origin.class);
  private static final long MOST_BYTES_UNDER_WAY = 4 << 20;

  private final int self;
  private final OrderedLogs logs;
  private final ReplicaStore store;
  private final ChunkIndex chunks;
  private final EpochCounter counter;
  private final OriginOptions options;
  private final ProtocolRules rules;
  private final Runnable wake;
  private final Cutter cutter;
  private final Queue<Consumer<Long>> answers = new ConcurrentLinkedQueue<>();
  private final Queue<Fence> fences = new ConcurrentLinkedQueue<>();
  private final Deque<InFlight> flight = new ArrayDeque<>();
  private long epoch;
  private long number;
  private long capturedSeq;
  private Attempt hello = new Attempt();
  private boolean recordsUnderWay;
  private boolean chunksWait;
  private boolean splitting;
  private final AtomicLong splits = new AtomicLong();
  private volatile Progress progress = new Progress(0, 0, false, 0);

  /**
   * @param self this node's id
   * @param wake called, from any thread, when an answer waits for the next step
   */
  public Origin(
      int self,
      OrderedLogs logs,
      ReplicaStore store,
      ChunkIndex chunks,
      EpochCounter counter,
      OriginOptions options,
      ProtocolRules rules,
      Runnable wake) {
    this.self = self;
    this.logs = logs;
    this.store = store;
    this.chunks = chunks;
    this.counter = counter;
    this.options = options;
    this.rules = rules;
    this.wake = wake;
    this.cutter = new Cutter(self, logs::shards, options.inlineLimit(), rules.pieceBytes());
  }

  /** Opens a new epoch: what was in flight before is dead, its keys are still in the change log. */
  public void open() {
    long before = Math.max(counter.load(), store.state().minEpochOf(self));
    long opened = EpochNumber.after(before, rules.keep(Rule.DRAWN_EPOCHS) ? counter.draw() : 1);
    if (!rules.keep(Rule.NEW_EPOCH_AT_START)) {
      opened = Math.max(1, store.state().minEpochOf(self));
    }
    counter.store(opened);
    epoch = opened;
    number = 0;
    capturedSeq = 0;
    flight.clear();
    hello = new Attempt();
    recordsUnderWay = false;
  }

  /**
   * Does everything that can be done now.
   *
   * @param now milliseconds of a clock that never goes back
   * @return when to step again at the latest, on the same clock
   */
  public long step(long now) {
    for (Consumer<Long> answer = answers.poll(); answer != null; answer = answers.poll()) {
      answer.accept(now);
    }
    ReplicaState state = store.state();
    long live = state.minEpochOf(self);
    if (live == ReplicaState.REMOVED) {
      progress = new Progress(epoch, 0, false, 0);
      return Long.MAX_VALUE;
    }
    if (counter.isForeign(live) && rules.keep(Rule.FOREIGN_EPOCH_STOPS)) {
      throw new OlderCopyException(OlderCopyCheck.foreign(self, live));
    }
    if (live > epoch && rules.keep(Rule.REOPEN_ENDED_EPOCH)) {
      open();
    }
    decide(state);
    boolean ready = live == epoch;
    if (ready) {
      counter.settled(epoch);
    } else {
      sayHello(now);
    }
    if (ready || !rules.keep(Rule.CAPTURE_WHEN_READY)) {
      while (capture(state)) {
        sendChunks(now);
      }
    }
    sendChunks(now);
    sendRecords(now);
    progress = new Progress(epoch, flight.size(), ready, capturedSeq);
    return wakeAt(ready);
  }

  /** Drops what the order log has decided; what was ordered without effect is proposed again. */
  private void decide(ReplicaState state) {
    LastApplied last = state.lastOf(self);
    flight.removeIf(f -> OrderState.covers(last, f.id()));
    for (InFlight f : flight) {
      long at = f.recordAttempt().committedAt();
      if (at >= 0 && at <= state.position()) {
        f.recordAttempt().again(); // it was a gap
      }
    }
    if (hello.committedAt() >= 0 && hello.committedAt() <= state.position()) {
      hello.again();
    }
  }

  private void sayHello(long now) {
    if (hello.isDue(now)) {
      Epoch item = Epoch.newBuilder().setOrigin(self).setEpoch(epoch).build();
      OrderItem hi = OrderItem.newBuilder().setEpoch(item).build();
      propose(LogId.ORDER, Entries.order(List.of(hi)), List.of(hello), null);
    }
  }

  /** Takes one change set from the file; false when there is nothing to take or no room for it. */
  private boolean capture(ReplicaState state) {
    long bytes = flight.stream().mapToLong(InFlight::bytes).sum();
    if (flight.size() >= options.window() || bytes >= options.windowBytes()) {
      return false;
    }
    LastApplied last = state.lastOf(self);
    boolean sameFile = last.file() == state.file() || !rules.keep(Rule.FILE_IDENTITY);
    boolean after = sameFile && rules.keep(Rule.CAPTURE_AFTER_MAX_SEQ);
    long from = Math.max(capturedSeq, after ? last.maxSeq() : 0);
    Fence fence = fences.poll();
    if (fence != null) {
      flight.add(cutter.fence(nextId(), fence, from, state));
      number++;
      return true;
    }
    long waiting = store.newestSeq() - from;
    if (waiting <= 0 || (!flight.isEmpty() && waiting < options.gatherRows())) {
      return false;
    }
    Optional<CapturedChanges> captured = store.capture(from, options.limits());
    if (captured.isEmpty()) {
      return false;
    }
    if (rules.keep(Rule.SYNC_BEFORE_SENDING)) {
      store.sync(); // sent implies durable here
    }
    flight.add(cutter.cut(nextId(), captured.get()));
    number++; // not before: a number without a change set would be a gap for ever
    capturedSeq = captured.get().maxSeq();
    log.atDebug()
        .addKeyValue("changeSet", flight.getLast().id())
        .addKeyValue("rows", captured.get().rows().size())
        .addKeyValue("bytes", flight.getLast().bytes())
        .addKeyValue("changeLogRow", capturedSeq)
        .log("captured");
    countSplit(captured.get());
    return true;
  }

  /** What is larger than a change set may be, a long backlog too, is not one transaction there. */
  private void countSplit(CapturedChanges captured) {
    if (!captured.complete()) {
      splits.incrementAndGet();
      if (!splitting) {
        log.atWarn()
            .addKeyValue("rows", captured.rows().size())
            .addKeyValue("maxRows", options.limits().rows())
            .addKeyValue("maxBytes", options.limits().bytes())
            .log("changes are too many for one change set: their parts appear one after the other");
      }
    }
    splitting = !captured.complete();
  }

  private ChangeSetId nextId() {
    return new ChangeSetId(self, epoch, number + 1);
  }

  /**
   * Proposes the chunks that are due; what goes to the same shard now shares an entry. A proposal
   * is copied on its way, so only so many bytes are under way; an answer makes room.
   */
  private void sendChunks(long now) {
    EntryPacker packer = new EntryPacker();
    long underWay =
        flight.stream()
            .flatMap(f -> f.pieces().stream())
            .filter(piece -> piece.attempt().isUnderWay())
            .mapToLong(piece -> piece.compressed().size())
            .sum();
    chunksWait = false;
    for (InFlight f : flight) {
      for (Piece piece : f.pieces()) {
        if (piece.attempt().isDue(now) && chunks.has(f.id(), piece.index())) {
          piece.attempt().commit(-1); // seen in the own copy
        } else if (piece.attempt().isDue(now) && underWay >= MOST_BYTES_UNDER_WAY) {
          chunksWait = true;
        } else if (piece.attempt().isDue(now)) {
          underWay += piece.compressed().size();
          if (piece.attempt().failures() > 0) {
            piece.moveTo(1 + piece.shard() % logs.shards());
          }
          packer.add(f, piece);
        }
      }
    }
    for (EntryPacker.Entry entry : packer.entries()) {
      propose(LogId.shard(entry.shard()), entry.bytes(), entry.attempts(), null);
    }
  }

  /** Proposes the records that are due, in order; at most one entry of them is under way. */
  private void sendRecords(long now) {
    if (recordsUnderWay) {
      return;
    }
    List<OrderItem> items = new ArrayList<>();
    List<Attempt> attempts = new ArrayList<>();
    int rows = 0;
    long rawBytes = 0;
    for (InFlight f : flight) {
      if (f.recordAttempt().isCommitted()) {
        continue; // ordered, not applied here yet
      }
      boolean alone = f.record().hasFence();
      boolean complete = f.chunksCommitted() || !rules.keep(Rule.CHUNKS_BEFORE_RECORD);
      if (!complete
          || !f.recordAttempt().isDue(now)
          || (!items.isEmpty()
              && (alone || !Entries.fits(items, rows + f.rows(), rawBytes + f.rawBytes())))) {
        break;
      }
      items.add(OrderItem.newBuilder().setRecord(f.record()).build());
      attempts.add(f.recordAttempt());
      rows += f.rows();
      rawBytes += f.rawBytes();
      if (alone) {
        break;
      }
    }
    if (!items.isEmpty()) {
      recordsUnderWay = true;
      long proposedIn = epoch;
      propose(
          LogId.ORDER,
          Entries.order(items),
          attempts,
          () -> {
            if (proposedIn == epoch) {
              recordsUnderWay = false;
            }
          });
    }
  }

  private void propose(
      LogId to, ByteString entry, List<Attempt> attempts, @Nullable Runnable afterwards) {
    attempts.forEach(Attempt::start);
    CompletionStage<LogPosition> outcome;
    try {
      outcome = logs.propose(to, entry);
    } catch (RuntimeException e) {
      outcome = CompletableFuture.failedStage(e);
    }
    outcome.whenComplete(
        (position, failure) -> {
          answered(to, entry.size(), position, failure);
          answers.add(
              now -> {
                for (Attempt attempt : attempts) {
                  if (failure == null) {
                    attempt.commit(position.index());
                  } else {
                    attempt.fail(now, options.retryAfter().toMillis());
                  }
                }
                if (afterwards != null) {
                  afterwards.run();
                }
              });
          wake.run();
        });
  }

  private static void answered(
      LogId to, int bytes, @Nullable LogPosition position, @Nullable Throwable failure) {
    if (failure == null) {
      log.atDebug()
          .addKeyValue("log", to)
          .addKeyValue("bytes", bytes)
          .addKeyValue("index", position == null ? "unknown" : position.index())
          .log("committed");
    } else {
      log.atDebug()
          .addKeyValue("log", to)
          .addKeyValue("bytes", bytes)
          .addKeyValue("reason", failure.getMessage())
          .log("not committed, will be proposed again");
    }
  }

  private long wakeAt(boolean ready) {
    long at = ready ? Long.MAX_VALUE : hello.wakeAt();
    for (InFlight f : flight) {
      for (Piece piece : f.pieces()) {
        at = chunksWait ? at : Math.min(at, piece.attempt().wakeAt());
      }
    }
    if (!recordsUnderWay) {
      for (InFlight f : flight) {
        if (!f.recordAttempt().isCommitted()) {
          return f.chunksCommitted() ? Math.min(at, f.recordAttempt().wakeAt()) : at;
        }
      }
    }
    return at;
  }

  /** The newest committed change log row, read on the origin's thread. Thread-safe. */
  public CompletionStage<Long> newestSeq() {
    CompletableFuture<Long> newest = new CompletableFuture<>();
    answers.add(
        now -> {
          try {
            newest.complete(store.newestSeq());
          } catch (RuntimeException e) {
            newest.completeExceptionally(e);
          }
        });
    wake.run();
    return newest;
  }

  /** Asks for a fence; it is proposed as a change set of this node. Thread-safe. */
  public void propose(Fence fence) {
    fences.add(fence);
    wake.run();
  }

  /** How often a change set was cut off because of its size. Thread-safe. */
  long splits() {
    return splits.get();
  }

  /** How far this node's own changes are. Thread-safe. */
  public Progress progress() {
    return progress;
  }

  /**
   * A look at the origin from outside. Immutable.
   *
   * @param ready the own epoch is applied here, so changes are captured
   * @param capturedSeq newest change log row that is in flight or was, in this epoch
   */
  public record Progress(long epoch, int inFlight, boolean ready, long capturedSeq) {}
}
