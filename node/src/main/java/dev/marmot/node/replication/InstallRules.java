package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.InstallTransaction.PendingKey;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot does to the rows and the bookkeeping of this node (protocol.md §1, "Install").
 * Confined to the applier thread.
 */
final class InstallRules {
  private final InstallTransaction tx;
  private final WriterWindow writers;
  private final int self;
  private final ProtocolRules rules;

  /**
   * @param writers the writer window of the snapshot
   */
  InstallRules(InstallTransaction tx, WriterWindow writers, int self, ProtocolRules rules) {
    this.tx = tx;
    this.writers = writers;
    this.self = self;
    this.rules = rules;
  }

  void install(ReplicaState mine, ReplicaState theirs) {
    if (rules.keep(Rule.INSTALL_WITH_BOOKKEEPING)) {
      theirs.last().forEach(tx::last);
      theirs.minEpoch().forEach(tx::minEpoch);
      tx.replaceWriters();
    }
    LastApplied last = theirs.lastOf(self);
    if (last.file() == mine.file() && rules.keep(Rule.INSTALL_TRIMS_CHANGE_LOG)) {
      tx.trimChangeLog(last.maxSeq());
    }
    for (PendingKey key : tx.pending()) {
      keepLocal(key, mine, theirs);
    }
    tx.replaceRows(rules.keep(Rule.INSTALL_PARKS));
    tx.uniteConflicts();
    tx.position(theirs.term(), theirs.position());
  }

  /** The local row stays, since it comes later; what it has not seen is hidden by it. */
  private void keepLocal(PendingKey key, ReplicaState mine, ReplicaState theirs) {
    boolean unseen = key.parked() || isUnseen(writers.lastWriter(key.keyHash()), mine, theirs);
    if (unseen && rules.keep(Rule.INSTALL_SKIPS)) {
      tx.skip(key);
    }
    if ((unseen || key.hidden()) && rules.keep(Rule.INSTALL_HIDES)) {
      tx.hide(key);
    }
  }

  private boolean isUnseen(@Nullable WriterEntry writer, ReplicaState mine, ReplicaState theirs) {
    if (writer == null) {
      return mine.position() + 1 < theirs.windowStart();
    }
    boolean own = writer.origin() == self && writer.file() == mine.file();
    return writer.position() > mine.position() && !own;
  }
}
