package dev.marmot.sqlite.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;

/**
 * The rows of this file that are too large to be sent. Confined to the origin thread, except for
 * {@link #count}.
 *
 * <p>The change log keeps the newest row of each such key, whatever change sets cover it, so the
 * key stays pending: foreign images are kept away from it, and a copy for another node leaves it
 * out. Written again, the key is logged anew, as always; then the row is looked at again.
 */
final class HeldBack implements AutoCloseable {
  private final Connection connection;
  private final Clock clock;
  private final Query add;
  private final Query remove;
  private final Query size;
  private volatile int count;

  private HeldBack(Connection connection, Clock clock) throws SQLException {
    this.connection = connection;
    this.clock = clock;
    add =
        new Query(
            connection, "INSERT OR REPLACE INTO main.__marmot_held_back VALUES(?1,?2,?3,?4,?5)");
    remove = new Query(connection, "DELETE FROM main.__marmot_held_back WHERE tbl=?1 AND k=?2");
    size = new Query(connection, "SELECT count(*) FROM main.__marmot_held_back");
  }

  /** Logs all of them again, since the limit may be another one now. */
  static HeldBack open(Connection connection, Clock clock) throws SQLException {
    HeldBack heldBack = new HeldBack(connection, clock);
    if (heldBack.any()) {
      ChangeLog.logAgain(connection);
    }
    heldBack.count = (int) heldBack.size.number(0);
    return heldBack;
  }

  /** Whether there are any; asked inside a transaction. */
  boolean any() throws SQLException {
    return size.number(0) > 0;
  }

  /** How many there are. Thread-safe. */
  int count() {
    return count;
  }

  /** Notes what is too large, and forgets what is not any more. Outside a transaction. */
  void save(List<Entry> tooLarge, List<Entry> fits) throws SQLException {
    if (tooLarge.isEmpty() && fits.isEmpty()) {
      return;
    }
    count =
        Waiting.immediately(
            connection,
            "note rows that are too large",
            () -> {
              for (Entry entry : tooLarge) {
                add.bind(1, entry.table())
                    .bind(2, entry.key())
                    .bind(3, entry.seq())
                    .bind(4, entry.bytes())
                    .bind(5, clock.millis())
                    .update();
              }
              for (Entry entry : fits) {
                remove.bind(1, entry.table()).bind(2, entry.key()).update();
              }
              return (int) size.number(0);
            });
  }

  @Override
  public void close() throws SQLException {
    add.close();
    remove.close();
    size.close();
  }

  /**
   * A row of this file.
   *
   * @param table its number in the change log
   * @param key canonical
   * @param seq the change log's newest row about it
   */
  @SuppressWarnings("ArrayRecordComponent") // never changed nor compared
  record Entry(long table, byte[] key, long seq, long bytes) {}
}
