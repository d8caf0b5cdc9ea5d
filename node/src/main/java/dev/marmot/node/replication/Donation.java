package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import java.util.HashSet;
import java.util.Set;

/**
 * Makes a snapshot of this node while it goes on: a copy of the file without what is pending, then
 * the records that follow, applied to the copy by the ordinary code, until everything that was left
 * out has come back through the order log (protocol.md §1, "Install", the donor's part). Meanwhile
 * this node's logs keep what the copy still needs. Confined to one thread, of the caller's choice.
 */
public final class Donation implements AutoCloseable {
  /** No node has this id: in the copy every change set is somebody else's. */
  private static final int NOBODY = 0;

  private final ReplicaStore store;
  private final ChunkIndex.Hold hold;
  private final StagedReplica staged;
  private final Applier applier;
  private final Missing missing;
  private final ProtocolRules rules;

  private Donation(
      ReplicaStore store,
      ChunkIndex.Hold hold,
      StagedReplica staged,
      Applier applier,
      Missing missing,
      ProtocolRules rules) {
    this.store = store;
    this.missing = missing;
    this.hold = hold;
    this.staged = staged;
    this.applier = applier;
    this.rules = rules;
  }

  /** Copies the file; takes as long as that takes. */
  public static Donation open(
      OrderedLogs logs, ReplicaStore store, ChunkIndex chunks, int maxRows, ProtocolRules rules) {
    checkNothingHeldBack(store);
    ChunkIndex.Hold hold = chunks.hold(); // before the copy: nothing after its position goes
    try {
      StagedReplica staged = store.stage();
      Missing missing = new Missing(staged.store().state().file(), staged.leftOut());
      Applier applier = new Applier(NOBODY, logs, staged.store(), chunks, maxRows, rules, missing);
      return new Donation(store, hold, staged, applier, missing, rules);
    } catch (RuntimeException e) {
      hold.close();
      throw e;
    }
  }

  /** What the order log put under such a key is nowhere in this node's file any more. */
  private static void checkNothingHeldBack(ReplicaStore store) {
    int rows = store.heldBackRows();
    if (rows > 0) {
      throw new IllegalStateException(
          "cannot make a snapshot of this node: %d of its rows are larger than --max-row-bytes and were never sent, so it does not know what the others have there; take another node's, or let this one send them: make them smaller or set more (see marmot held)"
              .formatted(rows));
    }
  }

  /**
   * Applies to the copy what has come since, as far as it is needed.
   *
   * @return whether the snapshot is complete; if not, step again when more is committed
   * @throws IllegalStateException when this node has skipped a part of its own logs meanwhile: the
   *     donation cannot be completed
   */
  public boolean step() {
    while (!complete()) {
      if (hold.broken()) {
        throw new IllegalStateException(
            "cannot complete the snapshot: this node caught up by a snapshot itself meanwhile;"
                + " ask again");
      }
      checkNothingHeldBack(store);
      if (!applier.step()) {
        return false;
      }
    }
    return true;
  }

  private boolean complete() {
    return missing.keyHashes.isEmpty() || !rules.keep(Rule.DONOR_SENDS_THE_TAIL);
  }

  /**
   * The rows that were left out and that no record of the donor has written since. Counting them is
   * necessary: that the donor's change sets up to its newest change log row are applied does not
   * say it, since a change set that a limit cut leaves out rows that were written again meanwhile.
   * A record of another node does not do: what it overwrote is under the donor's pending write, so
   * the copy could not keep it in the conflict log, and only that pending write makes it nobody's
   * loss.
   */
  private static final class Missing implements Applier.Observer {
    private final Set<Long> keyHashes = new HashSet<>();

    private final long donor;

    private Missing(long donor, long[] leftOut) {
      this.donor = donor;
      for (long keyHash : leftOut) {
        keyHashes.add(keyHash);
      }
    }

    @Override
    public void applied(ChangeSet changes) {
      if (changes.file() == donor) {
        changes.rows().forEach(row -> keyHashes.remove(row.keyHash()));
      }
    }
  }

  /** The snapshot. Call it once {@link #step} says that it is complete. */
  public Snapshot seal() {
    return staged.seal();
  }

  @Override
  public void close() {
    hold.close();
    staged.close();
  }
}
