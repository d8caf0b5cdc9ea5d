package dev.marmot.sqlite.store;

import java.sql.SQLException;

/** Waits for the application's locks, as long as it takes. Pure functions. */
final class Waiting {
  private Waiting() {}

  /**
   * Returns when the failure was only a lock that SQLite's busy timeout did not outwait and the
   * thread may go on waiting; throws otherwise.
   */
  static void orThrow(SQLException e, String what) throws SQLException {
    if (!Refusal.isBusy(e)) {
      throw e;
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new SqliteReplicationException(
          "cannot " + what + ": interrupted while waiting for the application's lock; start again",
          e);
    }
  }
}
