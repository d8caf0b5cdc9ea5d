package dev.marmot.sqlite.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** Waits for the application's locks, as long as it takes. Pure functions. */
final class Waiting {
  private Waiting() {}

  /** Does something in a write transaction of its own; undoes it when it fails. */
  static <T> T immediately(Connection connection, String what, Action<T> action)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      while (true) {
        try {
          statement.execute("BEGIN IMMEDIATE");
          break;
        } catch (SQLException e) {
          orThrow(e, what);
        }
      }
      boolean done = false;
      try {
        T result = action.run();
        statement.execute("COMMIT");
        done = true;
        return result;
      } finally {
        if (!done) {
          statement.execute("ROLLBACK");
        }
      }
    }
  }

  /** What happens in the transaction. */
  interface Action<T> {
    T run() throws SQLException;
  }

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
