package dev.marmot.sqlite.snapshot;

import dev.marmot.sqlite.FileFaults;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.hooks.Cleanup;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.DatabaseFileException;
import dev.marmot.sqlite.hooks.DatabaseLock;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.store.DatabaseDigest;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots to keep: the application's tables as they were at one position, in an ordinary SQLite
 * file without hooks, and one small table, {@code __marmot_backup(key, value)}, that tells where
 * the file comes from and what its tables must hash to. Pure functions of files.
 */
public final class SnapshotFile {
  private static final String TABLE = "__marmot_backup";
  private static final String FORMAT = "1";
  private static final String TABLE_KEY = "table ";
  private static final Duration LOCK_WAIT = Duration.ofSeconds(5);

  private SnapshotFile() {}

  /**
   * Saves a snapshot. The file appears whole or not at all, and durable.
   *
   * @param replace whether a file that is there may be replaced
   */
  public static SnapshotInfo save(
      SqliteSnapshot snapshot, Path target, String version, Instant time, boolean replace) {
    Path next = beside(target);
    String what = "save the snapshot " + target;
    return attempt(
        what,
        next,
        () -> {
          refuseExisting(what, target, replace);
          Files.copy(snapshot.path(), next);
          long held = held(next);
          new Cleanup(new DatabaseFile(next, LOCK_WAIT)).run();
          Map<String, String> tables =
              new TreeMap<>(DatabaseDigest.ofFile(next, TablePatterns.NONE));
          SnapshotInfo info = info(snapshot, version, time, held, tables);
          write(next, info);
          appear(next, target, replace);
          return info;
        });
  }

  private static SnapshotInfo info(
      SqliteSnapshot snapshot,
      String version,
      Instant time,
      long held,
      Map<String, String> tables) {
    ReplicaState state = snapshot.state();
    return new SnapshotInfo(
        snapshot.meta("cluster").orElse(""),
        state.term(),
        state.position(),
        Instant.ofEpochMilli(time.toEpochMilli()),
        version,
        held,
        tables);
  }

  private static long held(Path file) throws SQLException {
    try (Connection connection = new DatabaseFile(file, LOCK_WAIT).connectReadOnly();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT count(*) FROM main.__marmot_held")) {
      return rows.next() ? rows.getLong(1) : 0;
    }
  }

  private static void write(Path file, SnapshotInfo info) throws SQLException {
    Map<String, String> values = new TreeMap<>();
    values.put("format", FORMAT);
    values.put("cluster", info.cluster());
    values.put("term", Long.toString(info.term()));
    values.put("position", Long.toString(info.position()));
    values.put("time", info.time().toString());
    values.put("version", info.version());
    values.put("held", Long.toString(info.heldRows()));
    info.tables().forEach((name, hash) -> values.put(TABLE_KEY + name, hash));
    try (Connection connection = new DatabaseFile(file, LOCK_WAIT).connect();
        Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      statement.execute("CREATE TABLE " + TABLE + "(key TEXT PRIMARY KEY, value TEXT)");
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO " + TABLE + " VALUES(?,?)")) {
        for (Map.Entry<String, String> value : values.entrySet()) {
          insert.setString(1, value.getKey());
          insert.setString(2, value.getValue());
          insert.executeUpdate();
        }
      }
      statement.execute("COMMIT");
    }
  }

  /**
   * Reads what a snapshot file says of itself, and checks that its content is what it says. Throws
   * {@link SnapshotFileException} when it is not.
   */
  public static SnapshotInfo inspect(Path file) {
    String what = "use the snapshot " + file;
    return attempt(
        what,
        null,
        () -> {
          if (!Files.isRegularFile(file)) {
            throw refused(what, "there is no such file; check the path");
          }
          SqliteSnapshot.checkUndamaged(file);
          SnapshotInfo info = read(what, file);
          Map<String, String> found = DatabaseDigest.ofFile(file, TablePatterns.NONE);
          if (!found.equals(info.tables())) {
            Map<String, String> differing = new TreeMap<>(info.tables());
            differing.entrySet().removeAll(found.entrySet());
            throw refused(
                what,
                "its rows are not those that were saved (tables "
                    + differing.keySet()
                    + "); take another snapshot");
          }
          return info;
        });
  }

  /** Whether {@link #save} wrote the file, damaged since or not; so that no other is replaced. */
  public static boolean isSnapshot(Path file) {
    try {
      return attempt("read " + file, null, () -> read("read " + file, file)).position() >= -1;
    } catch (SnapshotFileException | DatabaseFileException e) {
      return false;
    }
  }

  private static SnapshotInfo read(String what, Path file) throws SQLException {
    Map<String, String> values = new TreeMap<>();
    try (Connection connection = new DatabaseFile(file, LOCK_WAIT).connectReadOnly();
        Statement statement = connection.createStatement()) {
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT count(*) FROM main.sqlite_master WHERE name='" + TABLE + "'")) {
        if (!rows.next() || rows.getLong(1) == 0) {
          throw refused(what, "marmot snapshot save did not write it; give another file");
        }
      }
      try (ResultSet rows = statement.executeQuery("SELECT key,value FROM main." + TABLE)) {
        while (rows.next()) {
          values.put(rows.getString(1), rows.getString(2));
        }
      }
    }
    if (!FORMAT.equals(values.get("format"))) {
      throw refused(
          what,
          "it has format %s and this version knows %s; use the version that wrote it"
              .formatted(values.get("format"), FORMAT));
    }
    Map<String, String> tables = new TreeMap<>();
    values.forEach(
        (key, value) -> {
          if (key.startsWith(TABLE_KEY)) {
            tables.put(key.substring(TABLE_KEY.length()), value);
          }
        });
    return new SnapshotInfo(
        values.getOrDefault("cluster", ""),
        Long.parseLong(values.getOrDefault("term", "0")),
        Long.parseLong(values.getOrDefault("position", "-1")),
        Instant.parse(values.getOrDefault("time", Instant.EPOCH.toString())),
        values.getOrDefault("version", ""),
        Long.parseLong(values.getOrDefault("held", "0")),
        tables);
  }

  /**
   * Makes a database of a snapshot file where there is none: an ordinary file that Marmot never was
   * in, from which a node may start a new cluster.
   */
  public static SnapshotInfo restore(Path file, Path target) {
    SnapshotInfo info = inspect(file);
    Path next = beside(target);
    String what = "restore the snapshot " + file + " to " + target;
    DatabaseLock lock = DatabaseLock.take(target, "marmot snapshot restore");
    try {
      return restore(file, target, info, next, what);
    } finally {
      lock.undo();
    }
  }

  private static SnapshotInfo restore(
      Path file, Path target, SnapshotInfo info, Path next, String what) {
    return attempt(
        what,
        next,
        () -> {
          refuseExisting(what, target, false);
          for (String suffix : new String[] {"-wal", "-journal"}) {
            if (Files.exists(target.resolveSibling(target.getFileName() + suffix))) {
              throw refused(
                  what,
                  "there is a file "
                      + target.getFileName()
                      + suffix
                      + ", which SQLite would take for the new file's; move it away");
            }
          }
          Files.copy(file, next);
          new Cleanup(new DatabaseFile(next, LOCK_WAIT)).run();
          appear(next, target, false);
          return info;
        });
  }

  private static Path beside(Path target) {
    return target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".new");
  }

  private static void refuseExisting(String what, Path target, boolean replace) {
    if (!replace && Files.exists(target)) {
      throw refused(what, "there is a file; give another path, or move it away");
    }
  }

  private static void appear(Path next, Path target, boolean replace) throws IOException {
    SqliteSnapshot.makeDurable(next);
    if (replace) {
      Files.move(next, target, StandardCopyOption.ATOMIC_MOVE);
    } else {
      Files.createLink(target, next);
    }
    SqliteSnapshot.makeDurable(target.toAbsolutePath().resolveSibling(""));
  }

  private static SnapshotFileException refused(String what, String why) {
    return new SnapshotFileException("cannot " + what + ": " + why, null);
  }

  private static <T> T attempt(String what, @Nullable Path temporary, Attempt<T> attempt) {
    try {
      try {
        return attempt.run();
      } finally {
        if (temporary != null) {
          Files.deleteIfExists(temporary);
          Files.deleteIfExists(temporary.resolveSibling(temporary.getFileName() + "-journal"));
        }
      }
    } catch (FileAlreadyExistsException e) {
      throw new SnapshotFileException(
          "cannot " + what + ": there is a file; give another path, or move it away", e);
    } catch (IOException e) {
      throw new SnapshotFileException("cannot " + what + ": " + FileFaults.advice(e), e);
    } catch (SQLException e) {
      throw new SnapshotFileException(
          "cannot " + what + ": " + e.getMessage() + "; check the file and the disk", e);
    }
  }

  private interface Attempt<T> {
    T run() throws SQLException, IOException;
  }
}
