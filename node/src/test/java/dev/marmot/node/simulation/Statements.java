package dev.marmot.node.simulation;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What SQLite and the hooks do for the statements of one transaction: rows change, changed keys go
 * to the change log, keys that may be displaced are noted. Confined to the simulation's thread.
 */
final class Statements {
  /** A statement in SQL. */
  record Sql(String text, List<SqliteValue> parameters) {}

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
  private final List<Sql> sql = new ArrayList<>();

  Statements(MemoryFile file, Set<Sabotage> sabotage, Recorder recorder) {
    this.file = file;
    this.sabotage = sabotage;
    this.recorder = recorder;
  }

  /** The statements so far, as one sends them to SQLite. */
  List<Sql> sql() {
    return sql;
  }

  List<LocalWrite> writes() {
    return writes;
  }

  /** DELETE. */
  void delete(RowKey key) {
    sql.add(new Sql("DELETE FROM " + key.table() + " WHERE k=?", List.of(number(key))));
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
    long token = put(mode, key, key, unique, new HashSet<>(Set.of(key)));
    List<SqliteValue> values = new ArrayList<>(List.of(number(key)));
    values.addAll(unique);
    values.add(new SqliteValue.Int(token));
    sql.add(
        new Sql(
            "INSERT OR %s INTO %s VALUES(%s)"
                .formatted(
                    mode, key.table(), String.join(",", Collections.nCopies(values.size(), "?"))),
            values));
  }

  /** UPDATE of a row that exists, perhaps of its key. */
  void update(OnConflict mode, RowKey old, RowKey key, List<SqliteValue> unique) {
    Set<RowKey> inTheWay = old.equals(key) ? new HashSet<>() : new HashSet<>(Set.of(key));
    long token = put(mode, old, key, unique, inTheWay);
    List<SqliteValue> values = new ArrayList<>(List.of(number(key)));
    values.addAll(unique);
    values.add(new SqliteValue.Int(token));
    values.add(number(old));
    StringBuilder columns = new StringBuilder("k=?");
    for (int i = 0; i < unique.size(); i++) {
      columns.append(",u").append(i).append("=?");
    }
    sql.add(
        new Sql(
            "UPDATE OR %s %s SET %s,token=? WHERE k=?".formatted(mode, key.table(), columns),
            values));
  }

  /** Returns the token of the row, or 0 when nothing was written. */
  private long put(
      OnConflict mode, RowKey old, RowKey key, List<SqliteValue> unique, Set<RowKey> inTheWay) {
    RowImage probe = row(key, unique, 0);
    Set<RowKey> notesBefore = new HashSet<>(file.notes);
    Set<RowKey> colliders = colliders(probe, old);
    file.notes.addAll(colliders); // the BEFORE trigger
    if (inTheWay.contains(old) && file.rows.containsKey(old)) {
      noteSelf(probe, old); // an insert does not know that it is about the row with its own key
    }
    inTheWay.addAll(colliders);
    inTheWay.retainAll(file.rows.keySet());
    if (!inTheWay.isEmpty() && mode != OnConflict.REPLACE) {
      if (mode == OnConflict.ABORT) {
        file.notes.retainAll(notesBefore); // the statement is rolled back with what it noted
      } else if (sabotage.contains(Sabotage.NOTES_ARE_WRITES)) {
        file.notes.forEach(file::logChange);
        file.notes.clear();
      }
      return 0;
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
    return write.token;
  }

  /** The AFTER triggers: log the key, the old key, and those noted keys whose rows are gone. */
  private void after(RowKey key, RowKey old) {
    file.logChange(key);
    if (!old.equals(key)) {
      file.logChange(old);
      file.notes.remove(old);
    }
    for (RowKey noted : file.notes) {
      boolean gone = sabotage.contains(Sabotage.NOTES_ARE_WRITES) || !file.rows.containsKey(noted);
      if (gone && noted.table().equals(key.table())) {
        file.logChange(noted);
      }
    }
    file.notes.removeIf(noted -> noted.table().equals(key.table()));
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

  private void noteSelf(RowImage probe, RowKey key) {
    RowImage stored = file.rows.get(key);
    if (stored != null && SampleTable.collide(stored, probe)) {
      file.notes.add(key);
    }
  }

  private static SqliteValue number(RowKey key) {
    return new SqliteValue.Int(ByteBuffer.wrap(key.canonical()).getLong());
  }

  private static RowImage row(RowKey key, List<SqliteValue> unique, long token) {
    return SampleTable.named(key.table())
        .row(ByteBuffer.wrap(key.canonical()).getLong(), unique, token);
  }
}
