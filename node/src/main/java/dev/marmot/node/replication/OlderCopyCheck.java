package dev.marmot.node.replication;

import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * Finds out that the SQLite file was set back to an older copy of itself, by what it has sent
 * itself before this start. Immutable.
 *
 * <p>What is sent is durable here before (protocol.md §1, "Origin"), and with it the position at
 * which it was captured and its change log rows; so not even a power loss explains a file that
 * stands below one of its own change sets. Going on would take new writes of the application for
 * those that were sent already.
 *
 * @param self this node's id
 * @param state what the file says at this start
 * @param newestSeq its newest change log row then
 * @param ownFloor position that this node's copies of the logs need then; the file stood there once
 * @param formerEpoch the newest epoch of earlier starts: whatever is newer and was opened here,
 *     this process has sent
 * @param foreign which epochs of this node its directory did not open
 */
public record OlderCopyCheck(
    int self,
    ReplicaState state,
    long newestSeq,
    long ownFloor,
    long formerEpoch,
    LongPredicate foreign) {
  /**
   * What proves that another life has run under this number, and this directory knows nothing of
   * it. Then the raft logs were set back, too, with all that this node had voted and acknowledged.
   */
  public static String foreign(int self, long epoch) {
    return olderDirectory(
        self,
        "epoch %s of it is known to the cluster and was not opened here"
            .formatted(EpochNumber.text(epoch)));
  }

  /** The same, with the proof. */
  public static String olderDirectory(int self, String proof) {
    return ("cannot go on: the raft directory of node %d is an older copy of itself, or another server"
            + " runs as node %d (%s): what was written since would be lost silently, and what was"
            + " voted is forgotten; put the newest raft directory and SQLite file back together, or"
            + " set the raft directory aside and start with --join HOST:PORT --replace --adopt to come"
            + " back with the rows of the cluster (a copy of the file is kept)")
        .formatted(self, self, proof);
  }

  /** The proof, in words; empty when the entry is none. */
  Optional<String> proof(OrderLogEntry entry) {
    return foreignEpoch(entry).or(() -> laterRecord(entry));
  }

  private Optional<String> foreignEpoch(OrderLogEntry entry) {
    return entry.getItemsList().stream()
        .filter(item -> originOf(item) == self && foreign.test(epochOf(item)))
        .findFirst()
        .map(item -> foreign(self, epochOf(item)));
  }

  private static int originOf(OrderItem item) {
    return item.hasEpoch() ? item.getEpoch().getOrigin() : item.getRecord().getId().getOrigin();
  }

  private static long epochOf(OrderItem item) {
    return item.hasEpoch() ? item.getEpoch().getEpoch() : item.getRecord().getId().getEpoch();
  }

  private Optional<String> laterRecord(OrderLogEntry entry) {
    return entry.getItemsList().stream()
        .filter(OrderItem::hasRecord)
        .map(OrderItem::getRecord)
        .filter(this::contradicts)
        .findFirst()
        .map(
            record ->
                text(
                    "it sent change set %s at position %d with change log row %d"
                        .formatted(
                            ChangeSetId.of(record.getId()), record.getBase(), record.getMaxSeq())));
  }

  private boolean contradicts(Record record) {
    ChangeSetId id = ChangeSetId.of(record.getId());
    // Nothing is synced before a fence is sent, so its position proves nothing.
    boolean stoodLater = !record.hasFence() && record.getBase() > state.position();
    return id.origin() == self
        && id.epoch() <= formerEpoch
        && record.getFile() == state.file()
        && (stoodLater || record.getMaxSeq() > newestSeq);
  }

  /**
   * The same for a snapshot.
   *
   * @param last what of this node is applied in the snapshot
   */
  public Optional<String> proof(LastApplied last) {
    if (foreign.test(last.epoch())) {
      return Optional.of(foreign(self, last.epoch()));
    }
    boolean former = last.file() == state.file() && last.epoch() <= formerEpoch;
    if (former && last.maxSeq() > newestSeq) {
      return Optional.of(text("it has sent change log row %d".formatted(last.maxSeq())));
    }
    long stood = Math.max(ownFloor, last.base());
    return former && stood > state.position()
        ? Optional.of(text("it stood at position %d once".formatted(stood)))
        : Optional.empty();
  }

  /** Whether the entry begins this process's own epoch: nothing of earlier ones counts after it. */
  boolean isOver(OrderLogEntry entry) {
    return entry.getItemsList().stream()
        .filter(OrderItem::hasEpoch)
        .map(OrderItem::getEpoch)
        .anyMatch(
            epoch ->
                epoch.getOrigin() == self
                    && EpochNumber.isDrawn(epoch.getEpoch())
                    && epoch.getEpoch() > formerEpoch);
  }

  private String text(String proof) {
    return "cannot go on: the SQLite file of node %d is an older copy of itself (it stands at position"
            .formatted(self)
        + " %d with change log row %d, but %s): what it lacks would be lost silently; put the newest"
            .formatted(state.position(), newestSeq, proof)
        + " file back, or start with --adopt to take the rows of the cluster";
  }
}
