package dev.marmot.node.simulation;

import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.node.simulation.Captures.Capture;
import dev.marmot.node.simulation.ConflictReference.Entry;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.OrderReference.Accepted;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Looks at each entry of a conflict log: it names the writer of the image that lost, and that image
 * did not lose against a write that had seen it. Confined to the simulation's thread.
 */
final class ConflictChecker {
  private final OrderReference reference;
  private final Captures captures;
  private final WriteLedger ledger;
  private final Coverage coverage;

  ConflictChecker(
      OrderReference reference, Captures captures, WriteLedger ledger, Coverage coverage) {
    this.reference = reference;
    this.captures = captures;
    this.ledger = ledger;
    this.coverage = coverage;
  }

  /**
   * @param windowStart start of the writer window after the transaction
   */
  void check(int node, Conflict conflict, long windowStart) {
    coverage.count(Event.CONFLICTS);
    checkTold(node, conflict);
    LocalWrite loser = ledger.write(SampleTable.token(conflict.losing()));
    Violation.check(
        conflict.losingOrigin() == 0 || conflict.losingOrigin() == loser.node,
        "n%d at %d says that n%d lost %s",
        node,
        conflict.position(),
        conflict.losingOrigin(),
        loser);
    coverage.count(conflict.reason() == Reason.DISPLACED ? Event.DISPLACED_BY_APPLY : Event.LOST);
    List<Capture> winners =
        reference.at(conflict.position()).accepted().stream()
            .filter(one -> one.id().origin() == conflict.winningOrigin())
            .filter(one -> !one.fence() && mayHaveWon(one, conflict))
            .map(Accepted::id)
            .map(captures::named)
            .toList();
    Violation.check(
        !winners.isEmpty(),
        "n%d at %d: nothing of n%d makes %s lose",
        node,
        conflict.position(),
        conflict.winningOrigin(),
        loser);
    boolean unfair =
        winners.stream()
            .allMatch(
                winner -> winner.changes().base() + 1 >= windowStart && hadSeen(winner, loser));
    Violation.check(
        !unfair,
        "n%d at %d reports a conflict (%s) of n%d with %s, which it had seen",
        node,
        conflict.position(),
        conflict.reason(),
        conflict.winningOrigin(),
        loser);
  }

  /** An entry is one of the order log's. */
  void checkTold(int node, Conflict conflict) {
    Entry entry = Entry.of(conflict);
    Violation.check(
        reference.conflicts().entries().contains(entry),
        "n%d reports %s, the order log says nothing of it",
        node,
        entry);
  }

  /** All is quiet: every live node tells the same conflicts. */
  void checkRest(Map<Integer, List<Conflict>> logs) {
    Set<Entry> all = new HashSet<>();
    logs.values().forEach(log -> log.forEach(one -> all.add(Entry.of(one))));
    logs.forEach(
        (node, log) -> {
          Set<Entry> mine = log.stream().map(Entry::of).collect(Collectors.toSet());
          Violation.check(mine.size() == log.size(), "n%d tells a conflict twice: %s", node, log);
          Set<Entry> lacking = new HashSet<>(all);
          lacking.removeAll(mine);
          Violation.check(lacking.isEmpty(), "n%d has no entry of %s", node, lacking);
        });
    Set<Entry> unknown = new HashSet<>(reference.conflicts().entries());
    unknown.removeAll(all);
    coverage.count(Event.CONFLICTS_NOBODY_KNOWS, unknown.size());
    // The winner's node had the loser under its own row, unless it overwrote it knowingly, and that
    // counts as concurrent only because it is too long ago; or unless it took a snapshot past it.
    boolean knowersGone =
        coverage.of(Event.LOST_FILES) + coverage.of(Event.DEAD_NODES) + coverage.of(Event.INSTALLS)
            > 0;
    unknown.removeIf(entry -> entry.loser() == 0 || knowersGone);
    Violation.check(unknown.isEmpty(), "no node has an entry of %s", unknown);
  }

  private boolean mayHaveWon(Accepted accepted, Conflict conflict) {
    RowKey key = SampleTable.key(conflict.losing());
    for (RowImage row : captures.named(accepted.id()).changes().rows()) {
      boolean won =
          conflict.reason() == Reason.DISPLACED
              ? SampleTable.collide(row, conflict.losing())
              : SampleTable.key(row).equals(key)
                  && row.tombstone() == (conflict.reason() == Reason.DELETED);
      if (won) {
        return true;
      }
    }
    return false;
  }

  private static boolean hadSeen(Capture winner, LocalWrite loser) {
    if (!winner.changes().complete()) {
      return false; // a limit cut it: a row that it moved aside may come in the next one only
    }
    if (winner.keptAway().contains(loser.key) || loser.delivered.isEmpty()) {
      return false;
    }
    ChangeSetId by = loser.delivered.iterator().next();
    LastApplied seen = winner.seen().getOrDefault(by.origin(), LastApplied.NONE);
    boolean applied =
        by.epoch() < seen.epoch() || (by.epoch() == seen.epoch() && by.number() <= seen.number());
    return applied || (by.origin() == winner.node() && loser.file == winner.changes().file());
  }
}
