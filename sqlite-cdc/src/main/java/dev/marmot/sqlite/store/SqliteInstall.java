package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Takes a snapshot into the live file, in one transaction of the write connection. Confined to the
 * applier thread.
 */
final class SqliteInstall implements InstallTransaction {
  private static final int HELD_AT_ONCE = 100;

  private final WriteSide side;
  private final SqliteTransaction transaction;
  private final Differences differences;
  private boolean open = true;

  private SqliteInstall(WriteSide side, SqliteTransaction transaction, Differences differences) {
    this.side = side;
    this.transaction = transaction;
    this.differences = differences;
  }

  /** Compares, then takes the write lock; again when the schema changed in between. */
  static SqliteInstall begin(
      WriteSide side,
      SqliteSnapshot snapshot,
      StoreOptions options,
      ReplicaState state,
      Consumer<ReplicaState> publish)
      throws SQLException {
    Differences differences = Differences.open(side.connection(), snapshot, options.excluded());
    boolean done = false;
    try {
      while (true) {
        side.refresh();
        DatabaseSchema schema = side.tables().schema();
        differences.find(side);
        SqliteTransaction transaction = new SqliteTransaction(side, state, publish);
        transaction.begin();
        if (side.tables().schema().equals(schema)) {
          done = true;
          return new SqliteInstall(side, transaction, differences);
        }
        transaction.close();
      }
    } finally {
      if (!done) {
        differences.close();
      }
    }
  }

  @Override
  public void trimChangeLog(long maxSeq) {
    transaction.trimChangeLog(maxSeq);
    run("settle keys", () -> side.pending().settleUpTo(maxSeq));
  }

  @Override
  public List<PendingKey> pending() {
    List<PendingKey> keys = new ArrayList<>();
    run(
        "read the pending keys",
        () ->
            side.pending()
                .forEach(
                    (id, canonical, seq) -> {
                      TableWriter table = side.tables().withId(id);
                      if (table != null) {
                        RowKey key = new RowKey(table.schema().name(), canonical);
                        boolean parked = side.aside().parked(key).isPresent();
                        boolean hidden = side.aside().hidden(key).isPresent();
                        long hash = table.keys().keyHash(canonical);
                        keys.add(new PendingKey(key, hash, parked, hidden));
                      }
                    }));
    return keys;
  }

  @Override
  public void hide(PendingKey key) {
    run("read a row of the snapshot", () -> findInSnapshot(key));
  }

  private void findInSnapshot(PendingKey pending) throws SQLException {
    RowKey key = pending.key();
    try (SetAside theirs = differences.heldInSnapshot()) {
      Optional<Held> held = theirs.held(key.table(), pending.keyHash());
      if (held.isPresent()) {
        side.aside().hide(key, held.get().image());
        return;
      }
    }
    TableWriter table = side.tables().named(key.table());
    TableSchema schema = differences.snapshotTable(key.table());
    if (table == null || schema == null || !DifferenceSql.fits(table.schema(), schema)) {
      side.aside().unhide(key);
      return;
    }
    long seq = side.pending().newestSeq(table.schema().id(), key.canonical()).orElseThrow();
    List<SqliteValue> values = side.changeLog().keyAt(seq, TableReader.keyArity(table.schema()));
    try (TableReader reader = new TableReader(differences.reading(), schema, side.maxRowBytes())) {
      StoredRow row = reader.find(values);
      RowImage none =
          new RowImage(schema.shape(), values, List.of(), true, false, pending.keyHash());
      side.aside().hide(key, row == null ? none : image(schema, row, pending.keyHash()));
    }
  }

  private static RowImage image(TableSchema schema, StoredRow row, long keyHash) {
    return row.image(schema.shape(), keyHash);
  }

  @Override
  public void skip(PendingKey key) {
    transaction.skip(key.key());
  }

  @Override
  public void replaceRows(boolean park) {
    run(
        "install the rows",
        () -> {
          differences.take("__marmot_held", "tbl,k,origin,reason,time,image");
          side.aside().look();
          List<Held> newest = side.aside().heldBefore(Long.MAX_VALUE, 1);
          forgetKeptAway();
          List<TableDifference> tables = new ArrayList<>(differences.tables());
          tables.sort(Comparator.comparing(table -> table.live().readsOthers()));
          for (TableDifference table : tables) {
            replace(table, park);
          }
          for (TableSchema table : differences.lacking()) {
            holdAll(table);
          }
          if (!newest.isEmpty()) {
            retryHeld(newest.get(0).id());
          }
        });
  }

  /** Nothing is parked, and what is not pending is not skipped and hides nothing. */
  private void forgetKeptAway() throws SQLException {
    for (RowKey key : side.aside().parkedKeys()) {
      side.aside().unpark(key);
    }
    for (RowImage hidden : side.aside().hidden()) {
      RowKey key = transaction.key(hidden);
      if (!isPending(key)) {
        side.aside().unhide(key);
      }
    }
    for (RowKey key : side.aside().skipped()) {
      if (!isPending(key)) {
        side.aside().unskip(key);
      }
    }
  }

  private boolean isPending(RowKey key) throws SQLException {
    TableWriter table = side.tables().named(key.table());
    return table != null
        && side.pending().newestSeq(table.schema().id(), key.canonical()).isPresent();
  }

  private void replace(TableDifference difference, boolean park) throws SQLException {
    TableWriter table = writer(difference.live());
    side.triggers().suspend(table.schema());
    List<List<SqliteValue>> pending = pendingKeys(table);
    for (List<SqliteValue> key : pending) {
      difference.forget(key);
    }
    if (!pending.isEmpty() && !table.schema().uniqueIndexes().isEmpty()) {
      keepAwayFrom(pending, difference, table, park);
    }
    difference.apply((key, reason) -> refused(difference, table, key, reason));
  }

  private TableWriter writer(TableSchema schema) throws SQLException {
    TableWriter table = side.tables().named(schema.name());
    if (table == null) {
      throw new IllegalStateException(
          "cannot install: table " + schema.name() + " is gone; start again");
    }
    return table;
  }

  private List<List<SqliteValue>> pendingKeys(TableWriter table) throws SQLException {
    List<List<SqliteValue>> keys = new ArrayList<>();
    int arity = TableReader.keyArity(table.schema());
    side.pending()
        .forEach(
            (id, canonical, seq) -> {
              if (id == table.schema().id()) {
                keys.add(side.changeLog().keyAt(seq, arity));
              }
            });
    return keys;
  }

  /** Rows of the snapshot that collide with pending rows are parked, and not stored. */
  private void keepAwayFrom(
      List<List<SqliteValue>> pending, TableDifference difference, TableWriter table, boolean park)
      throws SQLException {
    TableSchema schema = difference.snapshot();
    try (TableReader mine = new TableReader(side.connection(), table.schema(), side.maxRowBytes());
        TableWriter theirs =
            new TableWriter(
                differences.reading(),
                schema,
                differences.encoding(),
                side.maxRowBytes(),
                side.triggers())) {
      for (List<SqliteValue> key : pending) {
        StoredRow row = mine.find(key);
        if (row == null) {
          continue;
        }
        for (StoredRow collider : colliders(theirs, table.image(row, 0))) {
          RowKey own = new RowKey(table.schema().name(), table.keys().encode(collider.key()));
          if (!isPending(own)) {
            difference.remove(collider.key(), table);
            if (park) {
              checkWhole(collider, schema, "it collides with a row that waits to be sent");
              long hash = table.keys().keyHash(own.canonical());
              side.aside().park(own, image(schema, collider, hash), 0);
            }
          }
        }
      }
    }
  }

  /** What an index of the snapshot cannot be computed for stands in no row's way there. */
  private static List<StoredRow> colliders(TableWriter table, RowImage image) throws SQLException {
    try {
      return table.colliders(image);
    } catch (SQLException e) {
      if (!Refusal.refusesRow(e)) {
        throw e;
      }
      return List.of();
    }
  }

  private void refused(
      TableDifference difference, TableWriter table, List<SqliteValue> key, String reason)
      throws SQLException {
    try (TableReader reader =
        new TableReader(differences.reading(), difference.snapshot(), side.maxRowBytes())) {
      StoredRow row = reader.find(key);
      if (row != null) {
        long hash = table.keys().keyHash(table.keys().encode(row.key()));
        checkWhole(row, table.schema(), reason);
        hold(image(difference.snapshot(), row, hash), reason);
      }
    }
  }

  /** Part of a row must never be held or parked as if it were the row. */
  private void checkWhole(StoredRow row, TableSchema table, String reason) {
    if (!row.whole()) {
      throw new SqliteReplicationException(
          "cannot install the snapshot: table %s here does not take a row of %d bytes (%s), and more than --max-row-bytes=%d are not held; make the table as on the other nodes, or set more"
              .formatted(table.name(), row.tooLarge(), reason, side.maxRowBytes()),
          null);
    }
  }

  /** The snapshot's held image of a row is newer than the row itself. */
  private void hold(RowImage image, String reason) throws SQLException {
    if (side.aside().held(image).isEmpty()) {
      side.aside().hold(image, 0, reason);
    }
  }

  private void holdAll(TableSchema schema) throws SQLException {
    CanonicalKey keys = new CanonicalKey(schema, differences.encoding());
    TableWriter table = side.tables().named(schema.name());
    String reason =
        table == null
            ? "there is no such table here, or it does not replicate"
            : "the table has other columns or another primary key than the snapshot's";
    try (TableReader reader = new TableReader(differences.reading(), schema, side.maxRowBytes());
        Query all = new Query(differences.reading(), reader.selectAll())) {
      all.forEach(
          row -> {
            StoredRow stored = reader.read(row);
            long hash = keys.keyHash(keys.encode(stored.key()));
            boolean keyless = stored.key().contains(SqliteValue.Null.NULL);
            RowImage image = image(schema, stored, hash);
            if (!keyless && (table == null || !isPending(transaction.key(image)))) {
              checkWhole(stored, schema, reason);
              hold(image, reason);
            }
          });
    }
  }

  /** The donor could not store them; this node may. */
  private void retryHeld(long newest) throws SQLException {
    long before = newest + 1;
    List<Held> page = side.aside().heldBefore(before, HELD_AT_ONCE);
    while (!page.isEmpty()) {
      for (Held held : page) {
        retry(held);
        before = held.id();
      }
      page = side.aside().heldBefore(before, HELD_AT_ONCE);
    }
  }

  private void retry(Held held) throws SQLException {
    RowImage image = held.image();
    TableWriter table = side.tables().named(image.table());
    if (table == null) {
      return;
    }
    if (isPending(transaction.key(image))) {
      side.aside().unhold(image);
    } else if (colliders(table, image).stream().allMatch(row -> same(table, row, image))) {
      side.triggers().suspend(table.schema());
      if (table.write(image, null) instanceof WriteResult.Stored) {
        side.aside().unhold(image);
      }
    }
  }

  private boolean same(TableWriter table, StoredRow row, RowImage image) {
    RowKey key = new RowKey(table.schema().name(), table.keys().encode(row.key()));
    return key.equals(transaction.key(image));
  }

  @Override
  public void uniteConflicts() {
    run(
        "unite the conflict logs",
        () -> {
          if (differences.uniteConflicts() > 0) {
            side.aside().conflictsAdded();
          }
        });
  }

  @Override
  public void last(int origin, LastApplied last) {
    transaction.last(origin, last);
  }

  @Override
  public void minEpoch(int origin, long epoch) {
    transaction.minEpoch(origin, epoch);
  }

  @Override
  public void replaceWriters() {
    run(
        "take the writers",
        () -> differences.take("__marmot_writers", "position,slot,origin,file,keys"));
    transaction.windowStart(differences.snapshot().state().windowStart());
  }

  @Override
  public void position(long term, long index) {
    transaction.position(term, index);
  }

  @Override
  public void commit() {
    run("commit the installation", differences::forgetMustInstall);
    transaction.commit();
    end();
  }

  @Override
  public void close() {
    if (open) {
      transaction.close();
      end();
    }
  }

  private void end() {
    open = false;
    try {
      differences.close();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("let the snapshot go", e);
    }
  }

  private void run(String what, SqlAction action) {
    if (!open) {
      throw new IllegalStateException("cannot " + what + ": the transaction is over; begin anew");
    }
    RuntimeException failure;
    try {
      action.run();
      return;
    } catch (SQLException e) {
      failure = SqliteReplicationException.cannot(what, e);
    } catch (RuntimeException e) {
      failure = e;
    }
    try {
      close();
    } catch (SqliteReplicationException e) {
      failure.addSuppressed(e);
    }
    throw failure;
  }

  private interface SqlAction {
    void run() throws SQLException;
  }
}
