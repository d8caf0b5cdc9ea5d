package dev.marmot.node.simulation;

import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;

/**
 * An application that writes its own file: random transactions of several statements over several
 * tables. Confined to the simulation's thread.
 */
final class Application {
  private static final int UNIQUE_VALUES = 2;
  private static final List<Statements.OnConflict> MODES = List.of(Statements.OnConflict.values());

  private final int node;
  private final WriteLedger ledger;
  private final Coverage coverage;
  private final BiConsumer<MemoryFile, Statements> twin;

  /**
   * @param twin runs the statements of each transaction elsewhere, too, before it is committed
   */
  Application(
      int node, WriteLedger ledger, Coverage coverage, BiConsumer<MemoryFile, Statements> twin) {
    this.twin = twin;
    this.node = node;
    this.ledger = ledger;
    this.coverage = coverage;
  }

  /** One transaction; returns whether it committed a change. */
  boolean transact(MemoryDisk disk, Set<Sabotage> sabotage, RandomGenerator random) {
    MemoryFile next = disk.current().copy();
    Statements statements = new Statements(next, sabotage, new Writes(next));
    int count = random.nextInt(8) == 0 ? 8 : 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      statement(statements, next, random);
    }
    List<LocalWrite> writes = statements.writes();
    if (random.nextInt(20) == 0 || writes.isEmpty()) {
      ledger.forget(writes);
      return false;
    }
    twin.accept(next, statements);
    disk.commit(next, writes);
    coverage.count(Event.LOCAL_TRANSACTIONS);
    coverage.count(Event.LOCAL_WRITES, writes.size());
    return true;
  }

  private void statement(Statements statements, MemoryFile file, RandomGenerator random) {
    RowKey key = SampleTable.KEYS.get(random.nextInt(SampleTable.KEYS.size()));
    SampleTable table = SampleTable.named(key.table());
    Statements.OnConflict mode = MODES.get(random.nextInt(MODES.size()));
    List<SqliteValue> unique = uniqueValues(table, random);
    RowImage stored = file.rows.get(key);
    switch (random.nextInt(10)) {
      case 0, 1 -> statements.delete(key);
      case 2 -> {
        RowKey other = table.key(random.nextInt(table.keys()));
        if (stored != null) {
          coverage.count(Event.KEY_CHANGES, other.equals(key) ? 0 : 1);
          statements.update(mode, key, other, unique);
        }
      }
      case 3, 4 -> {
        if (stored != null) {
          statements.update(mode, key, key, unique);
        }
      }
      case 5 -> swap(statements, file, table, random);
      default -> statements.insert(mode, key, unique);
    }
    if (!file.notes.isEmpty()) {
      coverage.count(Event.NO_OPS_WITH_NOTES);
    }
  }

  /** Two rows exchange their unique values, by way of NULL. */
  private static void swap(
      Statements statements, MemoryFile file, SampleTable table, RandomGenerator random) {
    RowKey one = table.key(random.nextInt(table.keys()));
    RowKey other = table.key(random.nextInt(table.keys()));
    RowImage first = file.rows.get(one);
    RowImage second = file.rows.get(other);
    if (first == null || second == null || one.equals(other)) {
      return;
    }
    List<SqliteValue> ofFirst = first.values().subList(0, table.uniqueColumns());
    List<SqliteValue> ofSecond = second.values().subList(0, table.uniqueColumns());
    List<SqliteValue> nulls =
        ofFirst.stream().map(v -> (SqliteValue) SqliteValue.Null.NULL).toList();
    statements.update(Statements.OnConflict.ABORT, one, one, nulls);
    statements.update(Statements.OnConflict.ABORT, other, other, ofFirst);
    statements.update(Statements.OnConflict.ABORT, one, one, ofSecond);
  }

  private static List<SqliteValue> uniqueValues(SampleTable table, RandomGenerator random) {
    List<SqliteValue> values = new ArrayList<>();
    for (int i = 0; i < table.uniqueColumns(); i++) {
      int choice = random.nextInt(UNIQUE_VALUES + 1);
      values.add(choice == 0 ? SqliteValue.Null.NULL : SampleTable.uniqueValue(choice));
    }
    return values;
  }

  /** Notes each write in the ledger, and what it replaced. */
  private final class Writes implements Statements.Recorder {
    private final MemoryFile file;

    private Writes(MemoryFile file) {
      this.file = file;
    }

    @Override
    public LocalWrite wrote(RowKey key, boolean delete) {
      return ledger.add(node, file.file, key, delete);
    }

    @Override
    public void replaced(RowImage row, LocalWrite by) {
      ledger.replaced(row, by);
      if (!SampleTable.key(row).equals(by.key)) {
        coverage.count(Event.DISPLACED_LOCALLY);
      }
    }
  }
}
