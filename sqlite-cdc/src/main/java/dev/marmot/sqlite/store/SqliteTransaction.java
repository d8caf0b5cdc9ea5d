package dev.marmot.sqlite.store;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.RowRefusedException;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One apply transaction on the write connection. Confined to the applier thread.
 *
 * <p>What SQLite refuses besides a single row ends it: everything is rolled back, the pending keys
 * included, and the exception says so.
 */
final class SqliteTransaction implements ApplyTransaction {
  /** Every image of a table with UNIQUE indexes is compared with what is hidden in it. */
  private static final int MOST_HIDDEN_COMPARED = 256;

  private final WriteSide side;
  private final Consumer<ReplicaState> publish;
  private final NextState next;
  private final Vacated vacated = new Vacated();
  private final RowsRead read = new RowsRead();
  private boolean open = true;

  SqliteTransaction(WriteSide side, ReplicaState before, Consumer<ReplicaState> publish) {
    this.side = side;
    this.publish = publish;
    this.next = new NextState(before);
  }

  /** Takes the write lock; nothing of the transaction exists when this fails. */
  void begin() {
    run("begin the apply transaction", () -> side.begin(next.before));
  }

  @Override
  public RowKey key(RowImage image) {
    TableWriter table = table(image.table());
    return table == null ? foreignKey(image) : key(table, image);
  }

  private static RowKey key(TableWriter table, RowImage image) {
    Optional<List<SqliteValue>> key = table.key(image);
    return key.isEmpty() ? foreignKey(image) : table.rowKey(key.get());
  }

  /**
   * The key of an image that this node's schema has no row for: its hash is the same everywhere.
   */
  private static RowKey foreignKey(RowImage image) {
    byte[] hash = ByteBuffer.allocate(Long.BYTES).putLong(image.keyHash()).array();
    return new RowKey(image.table(), hash);
  }

  @Override
  public OptionalLong pendingSeq(RowKey key) {
    TableWriter table = table(key.table());
    return table == null
        ? OptionalLong.empty()
        : get(
            "read the pending keys",
            () -> side.pending().newestSeq(table.schema().id(), key.canonical()));
  }

  @Override
  public void settle(RowKey key) {
    TableWriter table = table(key.table());
    if (table != null) {
      run("settle a key", () -> side.pending().settle(table.schema().id(), key.canonical()));
    }
  }

  @Override
  public Optional<RowImage> stored(RowImage image) {
    TableWriter table = table(image.table());
    if (table == null) {
      return Optional.empty();
    }
    StoredRow row = find(table, image, key(table, image));
    return row == null ? Optional.empty() : Optional.of(table.image(row, image.keyHash()));
  }

  private @Nullable StoredRow find(TableWriter table, RowImage image, RowKey key) {
    if (table.key(image).isEmpty()) {
      return null;
    }
    return get(
            "read table " + image.table(),
            () -> {
              Optional<StoredRow> known = read.get(key);
              if (known == null) {
                known = Optional.ofNullable(table.find(image));
                read.put(key, known.orElse(null));
              }
              return known;
            })
        .orElse(null);
  }

  @Override
  public boolean hasUniqueIndexes(String name) {
    TableWriter table = table(name);
    return table != null && !table.schema().uniqueIndexes().isEmpty();
  }

  @Override
  public boolean isWrittenLast(String name) {
    TableWriter table = table(name);
    return table != null && table.schema().readsOthers();
  }

  @Override
  public void vacate(RowImage image) {
    TableWriter table = table(image.table());
    if (table == null) {
      return;
    }
    RowKey key = key(table, image);
    StoredRow row = find(table, image, key);
    if (row != null && vacated.hasRoom(row) && table.changesUniqueColumns(image, row)) {
      delete(table, image, key);
      vacated.add(key, row);
    }
  }

  @Override
  public List<RowImage> colliders(RowImage image) {
    TableWriter table = table(image.table());
    if (table == null || table.schema().uniqueIndexes().isEmpty()) {
      return List.of();
    }
    RowKey own = key(table, image);
    if (keepsItsPlace(table, image, own)) {
      return List.of();
    }
    Map<RowKey, RowImage> found = new LinkedHashMap<>();
    judge(
        "read what collides in table " + image.table(),
        () -> {
          for (StoredRow row : table.colliders(image)) {
            RowKey key = table.rowKey(row.key());
            if (!key.equals(own)) {
              found.put(key, table.image(row, table.keys().keyHash(key.canonical())));
            }
          }
          return true;
        });
    return List.copyOf(found.values());
  }

  /** A row that is stored with the image's unique values leaves no room for another with them. */
  private boolean keepsItsPlace(TableWriter table, RowImage image, RowKey key) {
    Optional<StoredRow> known = read.get(key);
    return known != null
        && known.isPresent()
        && known.get().whole()
        && !image.tombstone()
        && !table.changesUniqueColumns(image, known.get());
  }

  @Override
  public WriteResult write(RowImage image) {
    TableWriter table = table(image.table());
    if (table == null && side.excludes(image.table())) {
      return WriteResult.Stored.STORED; // written when it was not excluded yet: nobody wants it
    }
    if (table == null) {
      return new WriteResult.Refused("there is no such table here, or it does not replicate");
    }
    if (image.tombstone()) {
      delete(image);
      return WriteResult.Stored.STORED;
    }
    return get(
        "write to table " + image.table(),
        () -> {
          side.triggers().suspend(table.schema());
          RowKey key = key(table, image);
          read.forget(key);
          return table.write(image, vacated.remove(key));
        });
  }

  @Override
  public void delete(RowImage image) {
    TableWriter table = table(image.table());
    if (table != null) {
      RowKey key = key(table, image);
      delete(table, image, key);
      var unused = vacated.remove(key);
    }
  }

  private void delete(TableWriter table, RowImage image, RowKey key) {
    judge(
        "delete from table " + image.table(),
        () -> {
          side.triggers().suspend(table.schema());
          read.forget(key);
          table.delete(image);
          return true;
        });
  }

  @Override
  public Optional<Parked> parked(RowKey key) {
    return get("read parked rows", () -> side.aside().parked(key));
  }

  @Override
  public List<RowKey> parkedKeys() {
    return get("read parked rows", side.aside()::parkedKeys);
  }

  @Override
  public List<Parked> parkedColliders(RowImage image) {
    List<RowKey> all = parkedKeys();
    TableWriter table = all.isEmpty() ? null : table(image.table());
    if (table == null || image.tombstone()) {
      return List.of();
    }
    RowKey own = key(table, image);
    return judge(
        "compare with parked rows",
        () -> {
          List<Parked> colliders = new ArrayList<>();
          for (RowKey key : all) {
            Parked parked = side.aside().parked(key).orElseThrow();
            boolean other =
                table(parked.key().table()) == table && !own.equals(key(table, parked.image()));
            if (other && table.collide(image, parked.image())) {
              colliders.add(parked);
            }
          }
          return colliders;
        });
  }

  @Override
  public void park(RowImage image, int origin) {
    judge(
        "park a row",
        () -> {
          side.aside().park(key(image), image, origin);
          return true;
        });
  }

  @Override
  public void unpark(RowKey key) {
    run("unpark a row", () -> side.aside().unpark(key));
  }

  @Override
  public Optional<RowImage> hidden(RowKey key) {
    return get("read hidden rows", () -> side.aside().hidden(key));
  }

  @Override
  public List<RowImage> hiddenColliders(RowImage image) {
    TableWriter table = table(image.table());
    if (table == null || image.tombstone() || table.schema().uniqueIndexes().isEmpty()) {
      return List.of();
    }
    return get(
        "compare with hidden rows",
        () -> {
          Map<RowKey, RowImage> hidden = side.aside().hidden(image.table());
          if (hidden.isEmpty()) {
            return List.of();
          }
          RowKey own = key(table, image);
          List<RowImage> colliders = new ArrayList<>();
          for (RowImage other : hidden.values()) {
            if (!own.equals(key(table, other)) && table.collide(image, other)) {
              colliders.add(other);
            }
          }
          return colliders;
        });
  }

  @Override
  public void hide(RowImage image) {
    TableWriter table = table(image.table());
    RowKey key = key(image);
    run(
        "remember a hidden row",
        () -> {
          boolean unique = table != null && !table.schema().uniqueIndexes().isEmpty();
          if (unique && side.aside().hidden(image.table()).size() >= MOST_HIDDEN_COMPARED) {
            side.aside().unhide(key); // not known is always right: the others tell what they know
          } else {
            side.aside().hide(key, image);
          }
        });
  }

  @Override
  public void unhide(RowKey key) {
    run("forget a hidden row", () -> side.aside().unhide(key));
  }

  @Override
  public void skip(RowKey key) {
    run("note a skipped key", () -> side.aside().skip(key));
  }

  @Override
  public void unskip(RowKey key) {
    run("forget a skipped key", () -> side.aside().unskip(key));
  }

  @Override
  public void hold(RowImage image, int origin, String reason) {
    run(
        "hold a row",
        () -> {
          side.aside().hold(image, origin, reason);
          TableWriter table = table(image.table());
          StoredRow room = table == null ? null : vacated.remove(key(table, image));
          if (table != null && room != null) {
            table.putBack(room);
          }
        });
  }

  @Override
  public Optional<Held> held(RowImage image) {
    return get("read held rows", () -> side.aside().held(image));
  }

  @Override
  public List<Held> heldBefore(long id, int limit) {
    return get("read held rows", () -> side.aside().heldBefore(id, limit));
  }

  @Override
  public void unhold(RowImage image) {
    run("forget a held row", () -> side.aside().unhold(image));
  }

  @Override
  public void stillHeld(RowImage image, String reason) {
    run("hold a row", () -> side.aside().stillHeld(image, reason));
  }

  @Override
  public void conflict(Conflict conflict) {
    run("log a conflict", () -> side.aside().conflict(key(conflict.losing()), conflict));
  }

  @Override
  public void trimChangeLog(long maxSeq) {
    run("trim the change log", () -> side.trimChangeLog(maxSeq));
  }

  @Override
  public void last(int origin, LastApplied applied) {
    next.last.put(origin, applied);
    run("save the newest change set of a node", () -> side.books().save(origin, applied));
  }

  @Override
  public void minEpoch(int origin, long epoch) {
    next.minEpoch.put(origin, epoch);
    run("save the epoch of a node", () -> side.books().saveEpoch(origin, epoch));
  }

  @Override
  public void addWriters(WriterEntry entry) {
    run("save the writers of a change set", () -> side.books().add(entry));
  }

  @Override
  public void windowStart(long start) {
    next.windowStart = start;
    run("forget old writers", () -> side.books().forgetWritersBelow(start));
  }

  @Override
  public void position(long newTerm, long index) {
    next.term = newTerm;
    next.position = index;
  }

  @Override
  public long lockedNanos() {
    return side.lockedNanos();
  }

  @Override
  public void commit() {
    run(
        "commit the apply transaction",
        () -> {
          side.books().save(next.term, next.position, next.windowStart);
          side.commit();
        });
    open = false;
    publish.accept(next.toState());
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      try {
        side.rollback();
      } catch (SQLException e) {
        throw SqliteReplicationException.cannot("roll back the apply transaction", e);
      }
    }
  }

  private @Nullable TableWriter table(String name) {
    try {
      return side.tables().named(name);
    } catch (SQLException e) {
      throw failed(SqliteReplicationException.cannot("prepare for table " + name, e));
    }
  }

  private void run(String what, Action action) {
    get(
        what,
        () -> {
          action.run();
          return true;
        });
  }

  private <T> T get(String what, Source<T> source) {
    if (!open) {
      throw new IllegalStateException("cannot " + what + ": the transaction is over; begin anew");
    }
    try {
      return source.get();
    } catch (SQLException e) {
      throw failed(SqliteReplicationException.cannot(what, e));
    } catch (RowRefusedException e) {
      throw e;
    } catch (RuntimeException e) {
      throw failed(e);
    }
  }

  /** The same where a refusal concerns one row, and the transaction goes on without it. */
  @CanIgnoreReturnValue
  private <T> T judge(String what, Source<T> source) {
    return get(
        what,
        () -> {
          try {
            return source.get();
          } catch (SQLException e) {
            if (!Refusal.refusesRow(e)) {
              throw e;
            }
            throw new RowRefusedException(what, Refusal.reason(e), e);
          }
        });
  }

  private RuntimeException failed(RuntimeException failure) {
    try {
      close();
    } catch (SqliteReplicationException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  private interface Action {
    void run() throws SQLException;
  }

  private interface Source<T> {
    T get() throws SQLException;
  }
}
