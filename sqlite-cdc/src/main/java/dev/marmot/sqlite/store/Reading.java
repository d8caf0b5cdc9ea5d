package dev.marmot.sqlite.store;

import com.dynatrace.hash4j.hashing.HashValue128;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.store.TableHashes.TableHash;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongPredicate;

/**
 * The file as it was at one moment, while everybody goes on writing: to hash and read what the
 * order log made of it. Confined to one thread at a time, which may be any; whoever holds it too
 * long lets the WAL grow.
 *
 * <p>What is pending here hides what the order log put under its key, so these keys are left out of
 * a comparison on every node: ask all nodes for {@link #undecided}, then hash without all of them.
 */
public final class Reading implements AutoCloseable {
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);

  private final Connection connection;
  private final ReplicaState state;
  private final DatabaseSchema schema;

  private Reading(Connection connection, ReplicaState state, DatabaseSchema schema) {
    this.connection = connection;
    this.state = state;
    this.schema = schema;
  }

  static Reading open(Path database, TablePatterns excluded) throws SQLException {
    Connection connection = new DatabaseFile(database, LOCK_WAIT).connectReadOnly();
    boolean done = false;
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      Reading reading =
          new Reading(
              connection,
              Bookkeeping.load(connection),
              new SchemaReader(excluded).read(connection));
      done = true;
      return reading;
    } finally {
      if (!done) {
        connection.close();
      }
    }
  }

  /** The committed bookkeeping at that moment. */
  public ReplicaState state() {
    return state;
  }

  /**
   * {@link RowImage#keyHash} of every row whose value is not what the order log made it, or is not
   * in its table: pending and held rows.
   */
  public Set<Long> undecided() {
    return get(
        "read the pending keys",
        () -> {
          Set<Long> hashes = new HashSet<>();
          addPending(hashes);
          try (Query held = new Query(connection, "SELECT k FROM main.__marmot_held")) {
            held.forEach(row -> hashes.add(ByteBuffer.wrap(row.bytes(0)).getLong()));
          }
          return hashes;
        });
  }

  private void addPending(Set<Long> hashes) throws SQLException {
    Map<Long, TableSchema> byId = new HashMap<>();
    Map<Long, CanonicalKey> keys = new HashMap<>();
    for (TableSchema table : schema.tables().values()) {
      byId.put(table.id(), table);
      keys.put(table.id(), keys(table));
    }
    try (ChangeLog log = ChangeLog.open(connection)) {
      ChangeLog.Visitor visitor =
          (seq, id, row) -> {
            TableSchema table = byId.get(id);
            CanonicalKey canonical = keys.get(id);
            if (table != null && canonical != null) {
              List<SqliteValue> key = log.key(row, TableReader.keyArity(table));
              hashes.add(canonical.keyHash(canonical.encode(key)));
            }
            return true;
          };
      log.heldBack(visitor);
      log.tail(WriteSide.applied(state), visitor);
    }
  }

  private CanonicalKey keys(TableSchema table) {
    return new CanonicalKey(table, schema.encoding());
  }

  private static RowImage image(byte[] frame) {
    return ChangeSetCodec.decode(frame).get(0);
  }

  /**
   * Hashes all tables.
   *
   * @param without {@link RowImage#keyHash} of rows that do not count: {@link #undecided} of all
   *     nodes
   */
  public TableHashes hashes(Set<Long> without) {
    return get(
        "hash the tables",
        () -> {
          Map<String, TableHash> hashes = new HashMap<>();
          for (TableSchema table : schema.tables().values()) {
            // Without hooks nobody knows yet what of it is pending.
            if (table.id() > 0) {
              hashes.put(Sql.fold(table.name()), hash(table, without));
            }
          }
          return new TableHashes(state.position(), hashes);
        });
  }

  private TableHash hash(TableSchema table, Set<Long> without) throws SQLException {
    long[] sums = new long[3 * TableHashes.BUCKETS];
    long[] rows = {0};
    each(
        table,
        (image, hash) -> {
          if (!without.contains(image.keyHash())) {
            int at = 3 * TableHashes.bucket(image.keyHash());
            sums[at]++;
            sums[at + 1] += hash.getMostSignificantBits();
            sums[at + 2] += hash.getLeastSignificantBits();
            rows[0]++;
          }
        });
    return new TableHash(rows[0], sums);
  }

  /**
   * The rows of one bucket, in no order, of large ones only the keys; reads the whole table.
   *
   * @param table its name in any case; nothing is read when there is no such table here
   */
  public void rows(String table, int bucket, Consumer<RowImage> reader) {
    rows(table, keyHash -> TableHashes.bucket(keyHash) == bucket, reader);
  }

  /** The same for the rows of the key hashes that the caller wants. */
  public void rows(String table, LongPredicate keyHashes, Consumer<RowImage> reader) {
    var unused =
        get(
            "read table " + table,
            () -> {
              for (TableSchema known : schema.tables().values()) {
                if (Sql.fold(known.name()).equals(Sql.fold(table))) {
                  each(
                      known,
                      (image, hash) -> {
                        if (keyHashes.test(image.keyHash())) {
                          reader.accept(image);
                        }
                      });
                }
              }
              return true;
            });
  }

  /** Hash of a row of this file, to compare it with another node's. */
  public String hash(RowImage image) {
    for (TableSchema table : schema.tables().values()) {
      if (table.shape().equals(image.shape())) {
        return new RowHash(table).of(image.key(), image.values()).toString();
      }
      if (Sql.fold(table.name()).equals(Sql.fold(image.table()))
          && image.shape().columns().isEmpty()) {
        return get("hash a row of table " + table.name(), () -> hash(table, image.key()));
      }
    }
    throw new IllegalArgumentException(
        "cannot hash a row of table " + image.table() + ": it is of another shape; read it anew");
  }

  private String hash(TableSchema table, List<SqliteValue> key) throws SQLException {
    try (TableReader reader = new TableReader(connection, table, TableScan.SLICE_BYTES);
        TableScan scan = new TableScan(connection, table)) {
      StoredRow row = reader.find(key);
      return row == null ? "" : scan.hash(row).toString();
    }
  }

  /** Every row that the order log put into the table, parked ones included. */
  private void each(TableSchema table, BiConsumer<RowImage, HashValue128> visitor)
      throws SQLException {
    CanonicalKey keys = keys(table);
    Set<Long> parked = new HashSet<>();
    parked(table, image -> parked.add(image.keyHash()));
    try (TableScan scan = new TableScan(connection, table)) {
      scan.forEach(
          (stored, rowHash) -> {
            if (!stored.key().contains(SqliteValue.Null.NULL)) {
              long hash = keys.keyHash(keys.encode(stored.key()));
              if (!parked.contains(hash)) {
                visitor.accept(stored.image(table.shape(), hash), rowHash);
              }
            }
          });
    }
    RowHash rowHash = new RowHash(table);
    parked(table, image -> visitor.accept(image, rowHash.of(image.key(), image.values())));
  }

  /** One after the other: nobody knows how large they are together. */
  private void parked(TableSchema table, Consumer<RowImage> visitor) throws SQLException {
    try (Query query =
        new Query(connection, "SELECT image FROM main.__marmot_parked WHERE tbl=?1")) {
      query
          .bind(1, Sql.fold(table.name()))
          .forEach(
              row -> {
                RowImage image = image(row.bytes(0));
                if (image.shape().equals(table.shape())) {
                  visitor.accept(image);
                }
              });
    }
  }

  private static <T> T get(String what, Source<T> source) {
    try {
      return source.get();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot(what, e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("close a reading", e);
    }
  }

  private interface Source<T> {
    T get() throws SQLException;
  }
}
