package dev.marmot.node.simulation;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What SQLite and the hooks do for the statements of one transaction: rows change, changed keys go
 * to the change log, keys that may be displaced are noted. Confined to the simulation's thread.
 */
final class Statements {
  /** What a statement does about a row that stands in its way. */
  enum OnConflict {
    ABORT,
    IGNORE,
    REPLACE
  }

  /** Told of each row that is written, and of each that it replaces. */
  interface Recorder {
    LocalWrite wrote(RowKey key, boolean delete);

    void replaced(RowImage row, LocalWrite by);
  }

  private final MemoryFile file;
  private final Set<Sabotage> sabotage;
  private final Recorder recorder;
  private final List<LocalWrite> writes = new ArrayList<>();

  Statements(MemoryFile file, Set<Sabotage> sabotage, Recorder recorder) {
    this.file = file;
    this.sabotage = sabotage;
    this.recorder = recorder;
  }

  List<LocalWrite> writes() {
    return writes;
  }

  /** DELETE. */
  void delete(RowKey key) {
    RowImage row = file.rows.remove(key);
    if (row != null) {
      LocalWrite write = wrote(key, true);
      recorder.replaced(row, write);
      file.deletes.put(key, write.token);
      file.logChange(key);
      file.notes.remove(key); // the AFTER trigger: it is logged
      write.seq = file.newestSeq;
    }
  }

  /** INSERT. */
  void insert(OnConflict mode, RowKey key, List<SqliteValue> unique) {
    put(mode, key, key, unique, new HashSet<>(Set.of(key)));
  }

  /** UPDATE of a row that exists, perhaps of its key. */
  void update(OnConflict mode, RowKey old, RowKey key, List<SqliteValue> unique) {
    Set<RowKey> inTheWay = old.equals(key) ? new HashSet<>() : new HashSet<>(Set.of(key));
    put(mode, old, key, unique, inTheWay);
  }

  private void put(
      OnConflict mode, RowKey old, RowKey key, List<SqliteValue> unique, Set<RowKey> inTheWay) {
    RowImage probe = row(key, unique, 0);
    Set<RowKey> notesBefore = new HashSet<>(file.notes);
    Set<RowKey> colliders = colliders(probe, old);
    file.notes.addAll(colliders); // the BEFORE trigger
    inTheWay.addAll(colliders);
    inTheWay.retainAll(file.rows.keySet());
    if (!inTheWay.isEmpty() && mode != OnConflict.REPLACE) {
      if (mode == OnConflict.ABORT) {
        file.notes.retainAll(notesBefore); // the statement is rolled back with what it noted
      } else if (sabotage.contains(Sabotage.NOTES_ARE_WRITES)) {
        file.notes.forEach(file::logChange);
        file.notes.clear();
      }
      return;
    }
    LocalWrite write = wrote(key, false);
    Set<RowKey> gone = new HashSet<>(inTheWay);
    if (file.rows.containsKey(old)) {
      gone.add(old);
    }
    for (RowKey other : SampleTable.KEYS) {
      RowImage row = gone.contains(other) ? file.rows.remove(other) : null;
      if (row != null) {
        recorder.replaced(row, write);
        file.deletes.put(other, write.token);
      }
    }
    file.rows.put(key, row(key, unique, write.token));
    after(key, old);
    write.seq = file.newestSeq;
  }

  /** The AFTER trigger: logs the key, the old key, and those noted keys whose rows are gone. */
  private void after(RowKey key, RowKey old) {
    file.logChange(key);
    if (!old.equals(key)) {
      file.logChange(old);
      file.notes.remove(old);
    }
    for (RowKey noted : file.notes) {
      if (sabotage.contains(Sabotage.NOTES_ARE_WRITES) || !file.rows.containsKey(noted)) {
        file.logChange(noted);
      }
    }
    file.notes.clear();
  }

  private LocalWrite wrote(RowKey key, boolean delete) {
    LocalWrite write = recorder.wrote(key, delete);
    writes.add(write);
    return write;
  }

  private Set<RowKey> colliders(RowImage probe, RowKey old) {
    Set<RowKey> found = new HashSet<>();
    for (RowKey other : SampleTable.KEYS) {
      RowImage row = file.rows.get(other);
      if (row != null && !other.equals(old) && SampleTable.collide(row, probe)) {
        found.add(other);
      }
    }
    return found;
  }

  private static RowImage row(RowKey key, List<SqliteValue> unique, long token) {
    return SampleTable.named(key.table())
        .row(ByteBuffer.wrap(key.canonical()).getLong(), unique, token);
  }
}
