package dev.marmot.node.replication;

import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.Optional;

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
 * @param formerEpoch the newest epoch of earlier starts: whatever is newer, this process has sent
 */
public record OlderCopyCheck(
    int self, ReplicaState state, long newestSeq, long ownFloor, long formerEpoch) {
  /** The proof, in words; empty when the entry is none. */
  Optional<String> proof(OrderLogEntry entry) {
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
    boolean former = last.file() == state.file() && last.epoch() <= formerEpoch;
    if (former && last.maxSeq() > newestSeq) {
      return Optional.of(text("it has sent change log row %d".formatted(last.maxSeq())));
    }
    return former && ownFloor > state.position()
        ? Optional.of(text("it stood at position %d once".formatted(ownFloor)))
        : Optional.empty();
  }

  /** Whether the entry begins this process's own epoch: nothing of earlier ones counts after it. */
  boolean isOver(OrderLogEntry entry) {
    return entry.getItemsList().stream()
        .filter(OrderItem::hasEpoch)
        .map(OrderItem::getEpoch)
        .anyMatch(epoch -> epoch.getOrigin() == self && epoch.getEpoch() > formerEpoch);
  }

  private String text(String proof) {
    return "cannot go on: the SQLite file of node %d is an older copy of itself (it stands at position"
            .formatted(self)
        + " %d with change log row %d, but %s): what it lacks would be lost silently; put the newest"
            .formatted(state.position(), newestSeq, proof)
        + " file back, or start with --adopt to take the rows of the cluster";
  }
}
