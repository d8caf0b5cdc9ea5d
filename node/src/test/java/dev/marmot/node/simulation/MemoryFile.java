package dev.marmot.node.simulation;

import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ApplyTransaction.Parked;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One committed state of a SQLite file: rows, change log, bookkeeping. A transaction changes a
 * copy; what is committed is not changed any more.
 */
final class MemoryFile {
  /** One row of the change log. */
  record Change(long seq, RowKey key) {}

  /** The conflict log, newest first; states share their tails. */
  record Conflicts(Conflict newest, @Nullable Conflicts older, int length) {}

  final long file;
  final Map<RowKey, RowImage> rows = new LinkedHashMap<>();
  final Deque<Change> changeLog = new ArrayDeque<>();
  final Set<RowKey> notes = new LinkedHashSet<>();
  final Map<RowKey, Parked> parked = new LinkedHashMap<>();
  final Map<RowKey, RowImage> hidden = new LinkedHashMap<>();
  final Set<RowKey> skipped = new HashSet<>();
  final Map<RowKey, Held> held = new LinkedHashMap<>();
  final Map<Integer, LastApplied> last = new HashMap<>();
  final Map<Integer, Long> minEpoch = new HashMap<>();
  final Deque<WriterEntry> writers = new ArrayDeque<>();

  /** The simulation's own: the newest local delete of each key. */
  final Map<RowKey, Long> deletes = new HashMap<>();

  /** Newest change log row ever, whether or not it is still there. */
  long newestSeq;

  /** Change log rows up to this one are applied; the newest of them may still be there. */
  long settledSeq;

  long term;
  long position = -1;
  long windowStart;
  private @Nullable Conflicts conflicts;

  MemoryFile(long file) {
    this.file = file;
  }

  MemoryFile copy() {
    MemoryFile copy = new MemoryFile(file);
    copy.rows.putAll(rows);
    copy.changeLog.addAll(changeLog);
    copy.notes.addAll(notes);
    copy.parked.putAll(parked);
    copy.hidden.putAll(hidden);
    copy.skipped.addAll(skipped);
    copy.held.putAll(held);
    copy.last.putAll(last);
    copy.minEpoch.putAll(minEpoch);
    copy.writers.addAll(writers);
    copy.deletes.putAll(deletes);
    copy.newestSeq = newestSeq;
    copy.settledSeq = settledSeq;
    copy.term = term;
    copy.position = position;
    copy.windowStart = windowStart;
    copy.conflicts = conflicts;
    return copy;
  }

  ReplicaState state() {
    return new ReplicaState(term, position, file, 0, last, minEpoch, windowStart);
  }

  /** Pending keys with the newest change log row of each, oldest first. */
  Map<RowKey, Long> pending() {
    return changesAfter(settledSeq);
  }

  /** Keys that changed after a change log row, in the order of the newest change of each. */
  Map<RowKey, Long> changesAfter(long seq) {
    Map<RowKey, Long> newest = new LinkedHashMap<>();
    for (Change change : changeLog) {
      if (change.seq() > seq) {
        newest.remove(change.key());
        newest.put(change.key(), change.seq());
      }
    }
    return newest;
  }

  void logChange(RowKey key) {
    newestSeq++;
    changeLog.addLast(new Change(newestSeq, key));
  }

  /** Replaces the change log rows after one. */
  void relog(long after, List<Change> changes) {
    changeLog.removeIf(change -> change.seq() > after);
    changeLog.addAll(changes);
    newestSeq = changes.isEmpty() ? after : changes.get(changes.size() - 1).seq();
  }

  void trimChangeLog(long maxSeq) {
    settledSeq = Math.max(settledSeq, maxSeq);
    changeLog.removeIf(change -> change.seq() <= maxSeq && change.seq() < newestSeq);
  }

  /** Stored rows with another key that cannot stand beside the image. */
  List<RowImage> colliders(RowImage image) {
    RowKey key = SampleTable.key(image);
    List<RowImage> found = new ArrayList<>();
    rows.forEach(
        (other, row) -> {
          if (!other.equals(key) && SampleTable.collide(row, image)) {
            found.add(row);
          }
        });
    return found;
  }

  /** What everybody shall see under a key once nothing is pending: the parked image, or the row. */
  @Nullable RowImage value(RowKey key) {
    Parked waiting = parked.get(key);
    return waiting != null ? waiting.image() : rows.get(key);
  }

  /** Adds an entry, unless it is there. */
  void addConflict(Conflict conflict) {
    if (conflicts().stream().anyMatch(known -> same(known, conflict))) {
      return;
    }
    conflicts = new Conflicts(conflict, conflicts, conflictCount() + 1);
  }

  private static boolean same(Conflict one, Conflict other) {
    return one.position() == other.position()
        && one.reason() == other.reason()
        && one.losingOrigin() == other.losingOrigin()
        && SampleTable.key(one.losing()).equals(SampleTable.key(other.losing()));
  }

  private int conflictCount() {
    return conflicts == null ? 0 : conflicts.length();
  }

  /** The conflict log, newest first. */
  List<Conflict> conflicts() {
    return conflictsSince(new MemoryFile(file));
  }

  /** What the conflict log has more than in an earlier state, newest first. */
  List<Conflict> conflictsSince(MemoryFile earlier) {
    List<Conflict> more = new ArrayList<>();
    Conflicts at = conflicts;
    while (at != null && at.length() > earlier.conflictCount()) {
      more.add(at.newest());
      at = at.older();
    }
    return more;
  }

  /** What another conflict log lacks of this one, oldest first. */
  List<Conflict> conflictsBeyond(MemoryFile other) {
    List<Conflict> known = other.conflicts();
    List<Conflict> more = new ArrayList<>();
    for (Conflict conflict : conflicts()) {
      if (known.stream().noneMatch(one -> same(one, conflict))) {
        more.add(0, conflict);
      }
    }
    return more;
  }

  /** Tokens of all images in the conflict log. */
  Set<Long> conflictTokens() {
    return conflicts().stream()
        .map(Conflict::losing)
        .filter(losing -> !losing.tombstone())
        .map(SampleTable::token)
        .collect(Collectors.toSet());
  }
}
