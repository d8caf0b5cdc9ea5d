package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/**
 * The protocol's numbers in the user's file: position, last, epochs, writers. Confined to the
 * applier thread.
 *
 * <p>The tables use no new syntax: the application's SQLite library, however old, parses them.
 */
final class Bookkeeping implements AutoCloseable {
  private static final List<String> TABLES =
      List.of(
          "__marmot_meta(key TEXT PRIMARY KEY, value)",
          "__marmot_state(id INTEGER PRIMARY KEY, term INTEGER, position INTEGER, file INTEGER,"
              + " schema_version INTEGER, window_start INTEGER)",
          "__marmot_last(origin INTEGER PRIMARY KEY, epoch INTEGER, number INTEGER,"
              + " max_seq INTEGER, file INTEGER, base INTEGER)",
          "__marmot_epoch(origin INTEGER PRIMARY KEY, min_epoch INTEGER)",
          "__marmot_writers(position INTEGER, slot INTEGER, origin INTEGER, file INTEGER,"
              + " keys BLOB, PRIMARY KEY(position, slot))",
          "__marmot_skipped(tbl TEXT, k BLOB, PRIMARY KEY(tbl, k))",
          "__marmot_parked(tbl TEXT, k BLOB, origin INTEGER, image BLOB, PRIMARY KEY(tbl, k))",
          "__marmot_hidden(tbl TEXT, k BLOB, image BLOB, PRIMARY KEY(tbl, k))",
          "__marmot_held(tbl TEXT, k BLOB, origin INTEGER, reason TEXT, time INTEGER, image BLOB,"
              + " PRIMARY KEY(tbl, k))",
          "__marmot_held_back(tbl INTEGER, k BLOB, seq INTEGER, bytes INTEGER, time INTEGER,"
              + " PRIMARY KEY(tbl, k))",
          "__marmot_conflict(id INTEGER PRIMARY KEY, time INTEGER, tbl TEXT, k BLOB,"
              + " losing_origin INTEGER, winning_origin INTEGER, position INTEGER, reason TEXT,"
              + " image BLOB)");

  private final Query savePosition;
  private final Query saveLast;
  private final Query saveEpoch;
  private final Query addWriters;
  private final Query forgetWriters;

  private Bookkeeping(Connection connection) throws SQLException {
    savePosition =
        new Query(
            connection,
            "UPDATE main.__marmot_state SET term=?1, position=?2, window_start=?3 WHERE id=0");
    saveLast =
        new Query(
            connection, "INSERT OR REPLACE INTO main.__marmot_last VALUES(?1,?2,?3,?4,?5,?6)");
    saveEpoch = new Query(connection, "INSERT OR REPLACE INTO main.__marmot_epoch VALUES(?1,?2)");
    addWriters =
        new Query(
            connection, "INSERT OR REPLACE INTO main.__marmot_writers VALUES(?1,?2,?3,?4,?5)");
    forgetWriters = new Query(connection, "DELETE FROM main.__marmot_writers WHERE position<?1");
  }

  /** Whether the file was replicated before. */
  static boolean exists(Connection connection) throws SQLException {
    return SqliteSnapshot.number(
            connection, "SELECT count(*) FROM main.sqlite_master WHERE name='__marmot_state'")
        != 0;
  }

  /** Whether all the tables are there. */
  static boolean complete(Connection connection) throws SQLException {
    String names =
        TABLES.stream()
            .map(table -> "'" + table.substring(0, table.indexOf('(')) + "'")
            .collect(Collectors.joining(","));
    return SqliteSnapshot.number(
            connection,
            "SELECT count(*) FROM main.sqlite_master WHERE type='table' AND name IN ("
                + names
                + ")")
        == TABLES.size();
  }

  /** Makes the tables where they are missing. In a transaction. */
  static void createTables(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String table : TABLES) {
        statement.execute("CREATE TABLE IF NOT EXISTS main." + table);
      }
      statement.execute(
          "CREATE INDEX IF NOT EXISTS main.__marmot_conflict_place ON"
              + " __marmot_conflict(position, tbl, k)");
    }
  }

  /** Makes the tables where they are missing, and this file's identity. In a transaction. */
  static void create(Connection connection, RandomGenerator random) throws SQLException {
    createTables(connection);
    try (Query query =
        new Query(connection, "INSERT OR IGNORE INTO main.__marmot_state VALUES(0,0,-1,?1,0,-1)")) {
      query.bind(1, random.nextLong()).update();
    }
  }

  static Bookkeeping open(Connection connection) throws SQLException {
    return new Bookkeeping(connection);
  }

  static ReplicaState load(Connection connection) throws SQLException {
    Map<Integer, LastApplied> last = new HashMap<>();
    try (Query query = new Query(connection, "SELECT * FROM main.__marmot_last")) {
      query.forEach(
          row ->
              last.put(
                  (int) row.number(0),
                  new LastApplied(
                      row.number(1), row.number(2), row.number(3), row.number(4), row.number(5))));
    }
    Map<Integer, Long> epochs = new HashMap<>();
    try (Query query = new Query(connection, "SELECT * FROM main.__marmot_epoch")) {
      query.forEach(row -> epochs.put((int) row.number(0), row.number(1)));
    }
    List<ReplicaState> state = new ArrayList<>();
    try (Query query =
        new Query(
            connection,
            "SELECT term,position,file,schema_version,window_start FROM main.__marmot_state"
                + " WHERE id=0")) {
      query.forEach(
          row ->
              state.add(
                  new ReplicaState(
                      row.number(0),
                      row.number(1),
                      row.number(2),
                      row.number(3),
                      last,
                      epochs,
                      row.number(4))));
    }
    if (state.isEmpty()) {
      throw new SqliteReplicationException(
          "cannot read the position: table __marmot_state is empty; run marmot cleanup on the file"
              + " and join again",
          null);
    }
    return state.get(0);
  }

  static List<WriterEntry> writers(Connection connection) throws SQLException {
    List<WriterEntry> entries = new ArrayList<>();
    try (Query query =
        new Query(
            connection,
            "SELECT position,slot,origin,file,keys FROM main.__marmot_writers"
                + " ORDER BY position,slot")) {
      query.forEach(
          row ->
              entries.add(
                  new WriterEntry(
                      row.number(0),
                      (int) row.number(1),
                      (int) row.number(2),
                      row.number(3),
                      hashes(row.bytes(4)))));
    }
    return entries;
  }

  private static long[] hashes(byte[] bytes) {
    long[] hashes = new long[bytes.length / Long.BYTES];
    ByteBuffer.wrap(bytes).asLongBuffer().get(hashes);
    return hashes;
  }

  void save(long term, long position, long windowStart) throws SQLException {
    savePosition.bind(1, term).bind(2, position).bind(3, windowStart).update();
  }

  void save(int origin, LastApplied last) throws SQLException {
    saveLast
        .bind(1, origin)
        .bind(2, last.epoch())
        .bind(3, last.number())
        .bind(4, last.maxSeq())
        .bind(5, last.file())
        .bind(6, last.base())
        .update();
  }

  void saveEpoch(int origin, long epoch) throws SQLException {
    saveEpoch.bind(1, origin).bind(2, epoch).update();
  }

  void add(WriterEntry entry) throws SQLException {
    ByteBuffer keys = ByteBuffer.allocate(entry.keyHashes().length * Long.BYTES);
    keys.asLongBuffer().put(entry.keyHashes());
    addWriters
        .bind(1, entry.position())
        .bind(2, entry.slot())
        .bind(3, entry.origin())
        .bind(4, entry.file())
        .bind(5, keys.array())
        .update();
  }

  void forgetWritersBelow(long position) throws SQLException {
    forgetWriters.bind(1, position).update();
  }

  @Override
  public void close() throws SQLException {
    for (Query query : List.of(savePosition, saveLast, saveEpoch, addWriters, forgetWriters)) {
      query.close();
    }
  }
}
