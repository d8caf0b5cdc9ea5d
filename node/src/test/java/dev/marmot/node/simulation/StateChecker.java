package dev.marmot.node.simulation;

import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.OrderReference.Accepted;
import dev.marmot.node.simulation.OrderReference.Snapshot;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compares a file after each apply transaction with what the order log says, and with every other
 * file that ever stood at the same position. Confined to the simulation's thread.
 */
final class StateChecker {
  /** The writer window at a position. */
  private record Window(long start, List<List<Long>> entries) {}

  private final OrderReference reference;
  private final ConflictChecker conflicts;
  private final Coverage coverage;
  private final Map<Long, Window> windows = new HashMap<>();

  StateChecker(OrderReference reference, ConflictChecker conflicts, Coverage coverage) {
    this.reference = reference;
    this.conflicts = conflicts;
    this.coverage = coverage;
  }

  /** An apply transaction of a node is committed. */
  void applied(int node, MemoryFile before, MemoryFile after) {
    if (after.position == before.position) {
      learned(node, before, after);
      return;
    }
    if (Trace.ON) {
      trace(node, after);
    }
    Violation.check(
        after.position > before.position,
        "the position of n%d goes from %d to %d",
        node,
        before.position,
        after.position);
    Snapshot expected = reference.at(after.position);
    checkBookkeeping(node, after, expected);
    checkWriters(node, before, after);
    checkWindow(node, after);
    checkRows(node, after, expected);
    for (Conflict conflict : after.conflictsSince(before)) {
      conflicts.check(node, conflict, after.windowStart);
    }
    count(before, after);
  }

  /** Such a transaction adds what others know of conflicts, and stores what fits now. */
  private void learned(int node, MemoryFile before, MemoryFile after) {
    if (after.position >= 0) {
      Snapshot expected = reference.at(after.position);
      checkBookkeeping(node, after, expected);
      checkRows(node, after, expected);
    }
    for (Conflict conflict : after.conflictsSince(before)) {
      conflicts.checkTold(node, conflict);
    }
    coverage.count(Event.CONFLICTS_LEARNED, after.conflictsSince(before).size());
  }

  /** A snapshot is whole: it equals every node at its position, in all keys. */
  void donated(int node, MemoryFile file) {
    Snapshot expected = reference.at(file.position);
    Violation.check(file.pending().isEmpty(), "something is pending in a snapshot of n%d", node);
    Violation.check(file.parked.isEmpty(), "something is parked in a snapshot of n%d", node);
    checkBookkeeping(node, file, expected);
    checkWindow(node, file);
    checkRows(node, file, expected);
  }

  private static void trace(int node, MemoryFile file) {
    Trace.print(
        "  n%d applies to %d: %s parked %s pending %s skipped %s",
        node,
        file.position,
        Trace.rows(file.rows.values()),
        file.parked.keySet().stream().map(SampleTable::show).toList(),
        file.pending().keySet().stream().map(SampleTable::show).toList(),
        file.skipped.stream().map(SampleTable::show).toList());
  }

  private static void checkBookkeeping(int node, MemoryFile file, Snapshot expected) {
    Map<Integer, LastApplied> last = new HashMap<>(file.last);
    last.values().removeIf(LastApplied.NONE::equals);
    Violation.check(
        last.equals(expected.last()),
        "n%d at %d has applied %s, the order log says %s",
        node,
        file.position,
        last,
        expected.last());
    Violation.check(
        file.minEpoch.equals(expected.minEpoch()),
        "n%d at %d has epochs %s, the order log says %s",
        node,
        file.position,
        file.minEpoch,
        expected.minEpoch());
  }

  /** Each accepted record is applied once, with all its rows, in order. */
  private void checkWriters(int node, MemoryFile before, MemoryFile after) {
    List<WriterEntry> applied =
        after.writers.stream()
            .filter(entry -> entry.position() > before.position && entry.keyHashes().length > 0)
            .toList();
    List<Accepted> expected = new ArrayList<>();
    for (long at = Math.max(before.position + 1, after.windowStart); at <= after.position; at++) {
      reference.at(at).accepted().stream().filter(one -> !one.fence()).forEach(expected::add);
    }
    boolean same = applied.size() == expected.size();
    for (int i = 0; same && i < applied.size(); i++) {
      same = same(applied.get(i), expected.get(i));
    }
    Violation.check(
        same,
        "n%d from %d to %d wrote %s, the order log says %s",
        node,
        before.position,
        after.position,
        applied.stream().map(StateChecker::show).toList(),
        expected);
  }

  private static boolean same(WriterEntry applied, Accepted expected) {
    Set<Long> hashes = new HashSet<>();
    for (long hash : applied.keyHashes()) {
      hashes.add(hash);
    }
    return applied.position() == expected.position()
        && applied.slot() == expected.slot()
        && applied.origin() == expected.id().origin()
        && applied.file() == expected.file()
        && hashes.size() == applied.keyHashes().length
        && hashes.equals(expected.keyHashes());
  }

  private static List<Long> show(WriterEntry entry) {
    List<Long> values = new ArrayList<>();
    values.add(entry.position());
    values.add((long) entry.slot());
    values.add((long) entry.origin());
    values.add(entry.file());
    for (long hash : entry.keyHashes()) {
      values.add(hash);
    }
    return values;
  }

  private void checkWindow(int node, MemoryFile file) {
    Window window =
        new Window(file.windowStart, file.writers.stream().map(StateChecker::show).toList());
    Window known = windows.putIfAbsent(file.position, window);
    Violation.check(
        known == null || known.equals(window),
        "the writer window of n%d at %d is %s, elsewhere it was %s",
        node,
        file.position,
        window,
        known);
  }

  private static void checkRows(int node, MemoryFile file, Snapshot expected) {
    Map<RowKey, Long> pending = file.pending();
    for (RowKey key : SampleTable.KEYS) {
      if (!pending.containsKey(key)) {
        @Nullable RowImage value = file.value(key);
        @Nullable RowImage right = expected.rows().get(key);
        Violation.check(
            Objects.equals(value, right),
            "n%d at %d has %s as %s, the order log says %s",
            node,
            file.position,
            SampleTable.show(key),
            show(value),
            show(right));
      }
    }
    List<RowImage> rows = List.copyOf(file.rows.values());
    for (RowImage row : rows) {
      Violation.check(
          file.colliders(row).isEmpty(), "UNIQUE is broken on n%d at %d", node, file.position);
    }
  }

  private static String show(@Nullable RowImage row) {
    return row == null ? "gone" : Trace.rows(List.of(row));
  }

  private void count(MemoryFile before, MemoryFile after) {
    coverage.count(Event.APPLY_TRANSACTIONS);
    coverage.count(Event.BATCHES, after.position > before.position + 1 ? 1 : 0);
    coverage.count(Event.OWN_ECHOES, after.settledSeq > before.settledSeq ? 1 : 0);
    coverage.count(Event.SKIPPED, difference(after.skipped, before.skipped));
    coverage.count(Event.PARKED, difference(after.parked.keySet(), before.parked.keySet()));
    coverage.count(Event.WINDOW_OVERFLOWS, after.windowStart > before.windowStart ? 1 : 0);
  }

  private static long difference(Set<RowKey> after, Set<RowKey> before) {
    return after.stream().filter(key -> !before.contains(key)).count();
  }
}
