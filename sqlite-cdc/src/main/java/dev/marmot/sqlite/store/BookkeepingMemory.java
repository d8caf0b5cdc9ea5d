package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the bookkeeping tables say, for the case that the application drops them: tools that begin
 * anew drop every table of a file. The position is the file's, whatever became of its rows, so the
 * tables come back as they were. Thread-safe.
 *
 * <p>Not known here is what was set aside: pending writers, held, parked and skipped rows, and the
 * conflict log. The window of writers begins anew behind the position.
 */
final class BookkeepingMemory {
  private static final Logger log = LoggerFactory.getLogger(BookkeepingMemory.class);

  private final Map<String, String> meta = new ConcurrentHashMap<>();
  private final Clock clock;
  private final AtomicLong newestSeq = new AtomicLong();
  private volatile ReplicaState state;
  private volatile @Nullable Instant dropped;

  private BookkeepingMemory(ReplicaState state, Clock clock) {
    this.state = state;
    this.clock = clock;
  }

  static BookkeepingMemory load(Connection connection, Clock clock) throws SQLException {
    BookkeepingMemory memory = new BookkeepingMemory(Bookkeeping.load(connection), clock);
    try (Query query = new Query(connection, "SELECT key,value FROM main.__marmot_meta")) {
      query.forEach(row -> memory.meta.put(row.text(0), row.text(1)));
    }
    return memory;
  }

  ReplicaState state() {
    return state;
  }

  void state(ReplicaState now) {
    state = now;
  }

  void meta(String key, String value) {
    meta.put(key, value);
  }

  Optional<String> meta(String key) {
    return Optional.ofNullable(meta.get(key));
  }

  void forget(String key) {
    meta.remove(key);
  }

  /** A row of the change log was read. */
  void seen(long seq) {
    newestSeq.accumulateAndGet(seq, Math::max);
  }

  /** A change log that is made anew begins behind this: no number is ever given again. */
  long seqFloor() {
    return Math.max(newestSeq.get(), WriteSide.applied(state));
  }

  /** When the application dropped tables of Marmot's last; empty when it never did. */
  Optional<Instant> dropped() {
    return Optional.ofNullable(dropped);
  }

  /** Makes the tables anew if one is missing. Outside a transaction. */
  void restore(Connection connection) throws SQLException {
    if (Bookkeeping.complete(connection)) {
      return;
    }
    var unused =
        Waiting.immediately(
            connection,
            "make Marmot's tables anew",
            () -> {
              if (!Bookkeeping.complete(connection)) {
                restoreAll(connection);
              }
              return true;
            });
  }

  private void restoreAll(Connection connection) throws SQLException {
    ReplicaState known = state;
    ReplicaState anew =
        new ReplicaState(
            known.term(),
            known.position(),
            known.file(),
            known.schemaVersion(),
            known.last(),
            known.minEpoch(),
            known.position() + 1);
    Bookkeeping.createTables(connection);
    dropLog(connection);
    try (Bookkeeping books = Bookkeeping.open(connection);
        Query place =
            new Query(
                connection, "INSERT OR REPLACE INTO main.__marmot_state VALUES(0,?1,?2,?3,?4,?5)");
        Query value =
            new Query(connection, "INSERT OR REPLACE INTO main.__marmot_meta VALUES(?1,?2)")) {
      var unused =
          place
              .bind(1, anew.term())
              .bind(2, anew.position())
              .bind(3, anew.file())
              .bind(4, anew.schemaVersion())
              .bind(5, anew.windowStart())
              .update();
      for (Map.Entry<Integer, LastApplied> last : anew.last().entrySet()) {
        books.save(last.getKey(), last.getValue());
      }
      for (Map.Entry<Integer, Long> epoch : anew.minEpoch().entrySet()) {
        books.saveEpoch(epoch.getKey(), epoch.getValue());
      }
      for (Map.Entry<String, String> entry : meta.entrySet()) {
        var unusedToo = value.bind(1, entry.getKey()).bind(2, entry.getValue()).update();
      }
      books.forgetWritersBelow(anew.windowStart());
    }
    // Whoever takes the write lock next must see it.
    state = anew;
    dropped = clock.instant();
    log.atWarn()
        .addKeyValue("position", anew.position())
        .log("tables of marmot were dropped, made anew; all rows are sent again");
  }

  /** Without it the hooks log every row anew, and that is due: what was set aside is unknown. */
  private void dropLog(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean there =
          SqliteSnapshot.number(
                  connection,
                  "SELECT count(*) FROM main.sqlite_master WHERE name='__marmot_change_log'")
              > 0;
      if (there) {
        seen(SqliteSnapshot.number(connection, "SELECT max(seq) FROM main.__marmot_change_log"));
        statement.execute("DROP TABLE main.__marmot_change_log");
      }
    }
  }
}
