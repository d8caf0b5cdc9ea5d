package dev.marmot.node.replication;

import dev.marmot.node.replication.HeldRetry.Retried;
import dev.marmot.node.replication.Plan.Action;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.proto.v1.Fence;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks the order log and applies it: each step is one SQLite transaction that holds the rows of
 * one or several consecutive entries together with the position and all bookkeeping. Confined to
 * the applier thread.
 */
public final class Applier {
  private static final Logger log = LoggerFactory.getLogger(Applier.class);

  private final ReplicaStore store;
  private final ChunkIndex chunks;
  private final Planner planner;
  private final int self;
  private final int maxRows;
  private final Observer observer;
  private final ProtocolRules rules;
  private final HeldRetry heldRetry;
  private @Nullable WriterWindow window;
  private long heldNanos;
  private final AtomicLong changeSets = new AtomicLong();
  private final AtomicLong rows = new AtomicLong();

  /**
   * @param self this node's id
   * @param maxRows rows after which a transaction takes no further entry
   * @param observer told what was applied, after its transaction is committed
   */
  public Applier(
      int self,
      OrderedLogs logs,
      ReplicaStore store,
      ChunkIndex chunks,
      int maxRows,
      ProtocolRules rules,
      Observer observer) {
    this.self = self;
    this.store = store;
    this.chunks = chunks;
    this.maxRows = maxRows;
    this.rules = rules;
    this.planner = new Planner(logs, chunks, rules);
    this.observer = observer;
    this.heldRetry = new HeldRetry(store);
  }

  /**
   * Applies what is next, in one transaction, and retries held rows if that is due, in another.
   * Returns false when there is nothing to do now.
   */
  public boolean step() {
    return step(maxRows);
  }

  /** The same with another number of rows after which the transaction takes no further entry. */
  boolean step(int mostRows) {
    boolean retried = retryHeld();
    heldNanos = retried ? heldRetry.heldNanos() : 0;
    Optional<Plan> plan = planner.next(store.state(), mostRows);
    if (plan.isEmpty()) {
      return retried;
    }
    try {
      apply(plan.get());
    } catch (RuntimeException e) {
      window = null; // the transaction is rolled back: start again from what is stored
      throw e;
    }
    chunks.dropSettled();
    for (Plan.Entry entry : plan.get().entries()) {
      entry.actions().forEach(action -> tell(action, entry.index()));
    }
    return true;
  }

  private void tell(Action action, long position) {
    if (action instanceof Action.Fire fire) {
      observer.fired(fire.fence(), position);
    } else if (action instanceof Action.Apply apply) {
      observer.applied(apply.changes());
    }
  }

  /** Sees on the applier's thread what a committed transaction did. */
  public interface Observer {
    /** A change set is applied. */
    default void applied(ChangeSet changes) {}

    /** A fence was passed; nothing behind it is applied yet. */
    default void fired(Fence fence, long position) {}
  }

  /**
   * Takes a snapshot in place of the entries that this node can no longer get (protocol.md §1,
   * "Install", the receiver's part).
   *
   * @param anew whether the rows here are in doubt, so that a snapshot at this very position is of
   *     use, too
   * @return false when this node already stands there or later, so that nothing was done
   */
  public boolean install(Snapshot snapshot, boolean anew) {
    ReplicaState mine = store.state();
    ReplicaState theirs = snapshot.state();
    if (theirs.position() < mine.position() || (theirs.position() == mine.position() && !anew)) {
      return false;
    }
    WriterWindow writers =
        new WriterWindow(rules.windowKeys(), store.writers(snapshot), theirs.windowStart());
    chunks.breakHolds();
    window = null; // whatever comes of it, what is stored counts
    try (InstallTransaction tx = store.install(snapshot)) {
      new InstallRules(tx, writers, self, rules).install(mine, theirs);
      tx.commit();
    }
    chunks.dropSettled();
    return true;
  }

  /**
   * Adds what other nodes know of the conflicts up to this node's position and this one does not.
   */
  public void learn(List<Conflict> conflicts) {
    if (conflicts.isEmpty() || !rules.keep(Rule.LEARN_CONFLICTS)) {
      return;
    }
    try (ApplyTransaction tx = store.begin()) {
      conflicts.forEach(tx::conflict);
      rowRules(tx).rejudgeParked(); // the transaction has read what is pending now
      tx.commit();
    }
  }

  private boolean retryHeld() {
    return heldRetry.step((tx, row) -> rowRules(tx).retry(row), tx -> rowRules(tx).rejudgeParked());
  }

  /** Asks for a retry of the held rows at the next step; completes when it is done. Thread-safe. */
  CompletableFuture<Retried> requestRetry() {
    return heldRetry.request();
  }

  private RowRules rowRules(ApplyTransaction tx) {
    return new RowRules(tx, window(), self, store.state().file(), rules);
  }

  private void apply(Plan plan) {
    WriterWindow writers = window();
    long appliedSets = 0;
    long appliedRows = 0;
    try (ApplyTransaction tx = store.begin()) {
      RowRules rowRules = rowRules(tx);
      for (Plan.Entry entry : plan.entries()) {
        int slot = 0;
        for (Action action : entry.actions()) {
          if (action instanceof Action.OpenEpoch open) {
            tx.minEpoch(open.origin(), open.epoch());
            continue;
          }
          ChangeSet changes =
              action instanceof Action.Apply apply
                  ? apply.changes()
                  : ((Action.Fire) action).changes();
          rowRules.apply(changes, entry.index(), slot++);
          finish(tx, changes, action instanceof Action.Apply);
          appliedSets++;
          appliedRows += changes.rows().size();
        }
        long before = writers.start();
        if (writers.trim(entry.index()) != before) {
          tx.windowStart(writers.start());
        }
      }
      Plan.Entry newest = plan.last();
      rowRules.rejudgeParked();
      tx.position(newest.term(), newest.index());
      tx.commit();
      heldNanos += System.nanoTime() - tx.lockedNanos();
    }
    changeSets.addAndGet(appliedSets);
    rows.addAndGet(appliedRows);
    log.atDebug()
        .addKeyValue("position", plan.last().index())
        .addKeyValue("entries", plan.entries().size())
        .addKeyValue("changeSets", appliedSets)
        .addKeyValue("rows", appliedRows)
        .addKeyValue("lockedMicros", TimeUnit.NANOSECONDS.toMicros(heldNanos))
        .log("applied");
  }

  private void finish(ApplyTransaction tx, ChangeSet changes, boolean hasRows) {
    ChangeSetId id = changes.id();
    // A fence has a transaction of its own, so what is committed is what was before it.
    LastApplied before = store.state().lastOf(id.origin());
    tx.last(
        id.origin(),
        before.next(
            id.epoch(), id.number(), changes.maxSeq(), changes.file(), hasRows, changes.base()));
    if (id.origin() == self
        && (changes.file() == store.state().file() || !rules.keep(Rule.FILE_IDENTITY))) {
      tx.trimChangeLog(changes.maxSeq());
    }
  }

  private WriterWindow window() {
    WriterWindow current = window;
    ReplicaState state = store.state();
    // The store's window begins later than this one when it has lost its writers.
    if (current == null || current.start() < state.windowStart()) {
      current = new WriterWindow(rules.windowKeys(), store.writers(), state.windowStart());
      window = current;
    }
    return current;
  }

  /** For how long the last step held the write lock; waiting for it does not count. */
  long heldNanos() {
    return heldNanos;
  }

  /** Change sets applied by this process, own ones included. Thread-safe. */
  public long changeSets() {
    return changeSets.get();
  }

  /** Rows in those change sets. Thread-safe. */
  public long rows() {
    return rows.get();
  }
}
