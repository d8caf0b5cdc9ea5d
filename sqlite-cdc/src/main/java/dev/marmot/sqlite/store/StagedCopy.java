package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** A copy of the live file on its way to a snapshot. Confined to one thread. */
final class StagedCopy implements StagedReplica {
  private final Path file;
  private final Connection connection;
  private final StagedStore store;
  private final long[] leftOut;
  private boolean open = true;

  StagedCopy(Path file, Connection connection, StagedStore store, long[] leftOut) {
    this.file = file;
    this.connection = connection;
    this.store = store;
    this.leftOut = leftOut;
  }

  @Override
  public ReplicaStore store() {
    return store;
  }

  @Override
  public long[] leftOut() {
    return leftOut.clone();
  }

  @Override
  public Snapshot seal() {
    if (!open) {
      throw new IllegalStateException("cannot seal the copy: it is given up; stage anew");
    }
    try {
      mark();
      List<String> problems = SqliteSnapshot.quickCheck(connection);
      if (!problems.isEmpty()) {
        throw new SqliteReplicationException(
            "cannot seal the copy "
                + file
                + ": it is damaged ("
                + String.join("; ", problems)
                + "); check the database with PRAGMA integrity_check",
            null);
      }
      store.close();
      // Truncated, so without meaning; SQLite leaves it where the lock was exclusive.
      Files.deleteIfExists(file.resolveSibling(file.getFileName() + "-journal"));
      WalSync.force(file);
      Path sealed =
          file.resolveSibling(
              file.getFileName()
                  .toString()
                  .replaceFirst(Staging.STAGED, "snapshot-" + position() + "-"));
      Files.move(file, sealed, StandardCopyOption.ATOMIC_MOVE);
      WalSync.force(sealed.resolveSibling(""));
      open = false;
      return new SqliteSnapshot(sealed, store.state());
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("seal the copy " + file, e);
    } catch (IOException e) {
      throw new SqliteReplicationException(
          "cannot seal the copy " + file + ": " + e.getMessage() + "; check the disk", e);
    }
  }

  private long position() {
    return store.state().position();
  }

  /** Of what the node kept in its file, only its cluster is other nodes' affair. */
  private void mark() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      statement.execute("DELETE FROM main.__marmot_meta WHERE key<>'cluster'");
      statement.execute(
          "INSERT INTO main.__marmot_meta VALUES('%s','%d')"
              .formatted(SqliteSnapshot.FORMAT_KEY, SqliteSnapshot.FORMAT));
      statement.execute("COMMIT");
    }
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      try {
        store.close();
        delete(file);
      } catch (IOException e) {
        throw new SqliteReplicationException(
            "cannot delete the copy " + file + ": " + e.getMessage() + "; delete it by hand", e);
      }
    }
  }

  /** Removes the file and what SQLite may have left beside it. */
  static void delete(Path file) throws IOException {
    for (String suffix : List.of("", "-journal", "-wal", "-shm")) {
      Files.deleteIfExists(file.resolveSibling(file.getFileName() + suffix));
    }
  }
}
