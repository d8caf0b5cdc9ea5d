package dev.marmot.node.simulation;

import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The conflict log as the order log says it, whatever is pending where: a second and simpler
 * reading than the one under test. Confined to the simulation's thread.
 */
final class ConflictReference {
  /** What every node shall say. */
  record Entry(long position, RowKey key, Reason reason, int loser, int winner, long token) {
    static Entry of(Conflict conflict) {
      return new Entry(
          conflict.position(),
          SampleTable.key(conflict.losing()),
          conflict.reason(),
          conflict.losingOrigin(),
          conflict.winningOrigin(),
          SampleTable.token(conflict.losing()));
    }

    @Override
    public String toString() {
      return "%s of n%d under %s by n%d at %d (%s)"
          .formatted(token, loser, SampleTable.show(key), winner, position, reason);
    }
  }

  private record Writer(long position, int origin, long file, Set<Long> hashes) {}

  private final int windowKeys;
  private final Set<Entry> entries = new LinkedHashSet<>();
  private final Deque<Writer> window = new ArrayDeque<>();
  private final Map<Long, Writer> newest = new HashMap<>();
  private long start;
  private int keys;

  /**
   * @param windowKeys keys whose writers are remembered
   */
  ConflictReference(int windowKeys) {
    this.windowKeys = windowKeys;
  }

  Set<Entry> entries() {
    return entries;
  }

  /** A change set is applied to the rows; each image is compared with what was there before it. */
  void apply(long position, int origin, CapturedChanges changes, Map<RowKey, RowImage> rows) {
    Set<Long> hashes = new LinkedHashSet<>();
    for (RowImage image : changes.rows()) {
      RowImage before = rows.get(SampleTable.key(image));
      if (before != null && isUnseen(origin, changes, image)) {
        lost(position, image.tombstone() ? Reason.DELETED : Reason.OVERWRITTEN, before, origin);
      }
      hashes.add(image.keyHash());
    }
    Writer writer = new Writer(position, origin, changes.file(), hashes);
    window.addLast(writer);
    keys += hashes.size();
    hashes.forEach(hash -> newest.put(hash, writer));
    changes.rows().forEach(image -> rows.remove(SampleTable.key(image)));
    for (RowImage image : changes.rows()) {
      if (!image.tombstone()) {
        rows.values().stream()
            .filter(row -> SampleTable.collide(row, image))
            .forEach(row -> lost(position, Reason.DISPLACED, row, origin));
        rows.values().removeIf(row -> SampleTable.collide(row, image));
        rows.put(SampleTable.key(image), SampleTable.withOver(image, false));
      }
    }
  }

  /** A fence writes nothing, but has its place in the window. */
  void fence(long position, int origin) {
    window.addLast(new Writer(position, origin, 0, Set.of()));
  }

  private boolean isUnseen(int origin, CapturedChanges changes, RowImage image) {
    @Nullable Writer writer = newest.get(image.keyHash());
    if (writer == null) {
      return changes.base() + 1 < start || image.over();
    }
    boolean same = writer.origin == origin && writer.file == changes.file();
    return !same && (writer.position > changes.base() || image.over());
  }

  private void lost(long position, Reason reason, RowImage row, int winner) {
    @Nullable Writer writer = newest.get(row.keyHash());
    int loser = writer == null ? 0 : writer.origin;
    entries.add(Entry.of(new Conflict(row, loser, winner, position, reason)));
  }

  /** An entry of the order log is read to its end. */
  void passed(long position) {
    while (keys > windowKeys && window.getFirst().position < position) {
      long oldest = window.getFirst().position;
      while (!window.isEmpty() && window.getFirst().position == oldest) {
        Writer gone = window.removeFirst();
        keys -= gone.hashes.size();
        gone.hashes.forEach(hash -> newest.remove(hash, gone));
      }
      start = oldest + 1;
    }
  }
}
