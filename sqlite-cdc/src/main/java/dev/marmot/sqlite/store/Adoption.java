package dev.marmot.sqlite.store;

import dev.marmot.sqlite.hooks.DatabaseFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/** Makes a copy of one node's file the file of another node. Pure functions of files. */
public final class Adoption {
  static final String MUST_INSTALL = "must_install";
  private static final Duration LOCK_WAIT = Duration.ofSeconds(5);

  private Adoption() {}

  /**
   * Gives a file that was copied, or restored from a backup, an identity of its own. What was
   * pending in it is another file's affair: its rows are put right by the installation of a
   * snapshot, which the file needs from now on ({@link StoreFacts#mustInstall}). No store has the
   * file open.
   *
   * @return false when Marmot never was in the file, so that there is nothing to do
   */
  public static boolean adopt(Path database) {
    try (Connection connection = new DatabaseFile(database, LOCK_WAIT).connect();
        Statement statement = connection.createStatement()) {
      if (!Bookkeeping.exists(connection)) {
        return false;
      }
      statement.execute("BEGIN IMMEDIATE");
      renew(connection, statement);
      statement.execute("INSERT INTO main.__marmot_meta VALUES('" + MUST_INSTALL + "','1')");
      statement.execute("COMMIT");
      return true;
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("adopt " + database, e);
    }
  }

  /** Whether Marmot has been in a file; false when there is none. */
  public static boolean isReplicated(Path database) {
    if (!Files.exists(database)) {
      return false;
    }
    try (Connection connection = new DatabaseFile(database, LOCK_WAIT).connect()) {
      return Bookkeeping.exists(connection);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("look into " + database, e);
    }
  }

  /**
   * Keeps a copy of the file beside it, before its rows are replaced.
   *
   * @return the copy
   */
  public static Path keepAside(Path database, Instant now) {
    Path copy = database.resolveSibling(database.getFileName() + ".before-" + now.getEpochSecond());
    // Page by page: VACUUM INTO cannot read indexes with collations of the application's.
    if (Files.exists(copy)) {
      throw new SqliteReplicationException(
          "cannot keep a copy of " + database + ": there is a file " + copy + "; try again", null);
    }
    PageCopy.copy(database, copy);
    return copy;
  }

  private static void renew(Connection connection, Statement statement) throws SQLException {
    try (Query query = new Query(connection, "UPDATE main.__marmot_state SET file=?1")) {
      query.bind(1, new SecureRandom().nextLong()).update();
    }
    Bookkeeping.create(connection, new SecureRandom()); // an older version made fewer tables
    for (String table : List.of("change_log", "held_back", "skipped", "parked", "hidden")) {
      statement.execute("DELETE FROM main.__marmot_" + table);
    }
    statement.execute("DELETE FROM main.__marmot_meta WHERE key<>'cluster'");
  }

  /**
   * Makes a database of a snapshot, with an identity of its own. It appears whole, and never in the
   * place of another file. The snapshot is gone then, since copying a large file takes long.
   */
  static void place(Path snapshot, Path target) {
    Path next = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".new");
    try {
      if (Files.exists(target)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      try {
        Files.move(snapshot, next);
        renew(next);
        WalSync.force(next);
        setOrphansAside(target);
        Files.createLink(target, next);
      } finally {
        StagedCopy.delete(next);
      }
      WalSync.force(target.toAbsolutePath().resolveSibling(""));
    } catch (FileAlreadyExistsException e) {
      throw new SqliteReplicationException(
          "cannot place a snapshot at "
              + target
              + ": there is a file; install the snapshot in it, or move it away",
          e);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("place a snapshot at " + target, e);
    } catch (IOException e) {
      throw new SqliteReplicationException(
          "cannot place a snapshot at " + target + ": " + e + "; check the disk and the path", e);
    }
  }

  private static void renew(Path file) throws SQLException {
    try (Connection connection = new DatabaseFile(file, LOCK_WAIT).connect();
        Statement statement = connection.createStatement()) {
      statement.execute("BEGIN IMMEDIATE");
      renew(connection, statement);
      statement.execute("COMMIT");
    }
  }

  /** SQLite would take the WAL of a file that is gone for the new file's. */
  private static void setOrphansAside(Path target) throws IOException {
    for (String suffix : List.of("-wal", "-journal", "-shm")) {
      Path orphan = target.resolveSibling(target.getFileName() + suffix);
      if (Files.exists(orphan)) {
        Files.move(
            orphan, orphan.resolveSibling(orphan.getFileName() + ".orphan-" + UUID.randomUUID()));
      }
    }
  }
}
