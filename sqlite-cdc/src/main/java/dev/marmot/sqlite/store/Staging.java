package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.Parked;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.schema.SchemaReader;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;

/**
 * Copies the live file to the begin of a snapshot (protocol.md §1, "Install", the donor).
 * Immutable.
 *
 * <p>SQLite copies pages in one read transaction, so the copy is the committed file at one moment,
 * and nobody waits. Everything that is said about the copy is read from the copy.
 */
final class Staging {
  static final String STAGED = "staged-";
  private static final String SUFFIX = ".db";
  private static final Duration LOCK_WAIT = Duration.ofMillis(250);
  private static final int CACHE_KIB = 16 << 10;

  private final DatabaseFile live;
  private final Path directory;
  private final String prefix;
  private final StoreOptions options;

  Staging(Path database, StoreOptions options) {
    this.live = new DatabaseFile(database, LOCK_WAIT);
    this.directory =
        options.staging().orElseGet(() -> database.toAbsolutePath().resolveSibling(""));
    this.prefix = STAGED + database.getFileName() + "-";
    this.options = options;
  }

  /** Removes what an earlier process did not complete. */
  void clean() throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, p -> named(p, prefix))) {
      for (Path path : left) {
        Files.deleteIfExists(path);
      }
    }
  }

  private static boolean named(Path path, String prefix) {
    return path.getFileName().toString().startsWith(prefix);
  }

  /**
   * Makes the copy.
   *
   * @param seqFloor newest change log row of the live file that was ever used
   */
  StagedReplica stage(LongSupplier seqFloor) throws SQLException, IOException {
    Files.createDirectories(directory);
    Path file = directory.resolve(prefix + UUID.randomUUID() + SUFFIX);
    boolean done = false;
    try {
      Connection copy = copy(file, seqFloor);
      try {
        StagedReplica staged = prepared(copy, file);
        done = true;
        return staged;
      } finally {
        if (!done) {
          copy.close();
        }
      }
    } finally {
      if (!done) {
        StagedCopy.delete(file);
      }
    }
  }

  /** Rows of a table without hooks are in no change log: then the hooks are completed first. */
  private Connection copy(Path file, LongSupplier seqFloor) throws SQLException, IOException {
    SchemaReader reader = new SchemaReader(options.excluded());
    Hooks hooks = new Hooks(reader);
    try (Connection source = live.connect()) {
      while (true) {
        complete(source, hooks, reader, seqFloor);
        PageCopy.copy(source, file);
        Connection copy = open(file);
        boolean usable = false;
        try {
          usable = hooks.current(copy, reader.read(copy));
          if (usable) {
            return copy;
          }
        } finally {
          if (!usable) {
            copy.close();
          }
        }
        StagedCopy.delete(file);
      }
    }
  }

  private static void complete(
      Connection source, Hooks hooks, SchemaReader reader, LongSupplier seqFloor)
      throws SQLException {
    while (!hooks.current(source, reader.read(source))) {
      try {
        var unused = hooks.install(source, true, seqFloor.getAsLong());
      } catch (SQLException e) {
        Waiting.orThrow(e, "install the hooks");
      }
    }
  }

  /** Nobody else sees the copy and it is nothing worth until it is sealed: no locks, no syncs. */
  private static Connection open(Path file) throws SQLException {
    Connection connection = new DatabaseFile(file, LOCK_WAIT).connect();
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA main.locking_mode=EXCLUSIVE");
      statement.execute("PRAGMA main.journal_mode=TRUNCATE");
      statement.execute("PRAGMA main.cache_size=-" + CACHE_KIB);
    }
    return connection;
  }

  private StagedReplica prepared(Connection copy, Path file) throws SQLException {
    ReplicaState state = Bookkeeping.load(copy);
    Hooks hooks = new Hooks(new SchemaReader(options.excluded()));
    BookkeepingMemory memory = BookkeepingMemory.load(copy, options.clock());
    WriteSide side = WriteSide.open(copy, hooks, memory, true, options);
    try (Statement statement = copy.createStatement()) {
      statement.execute("PRAGMA synchronous=OFF");
      side.begin(state);
      long[] leftOut = removePending(side);
      storeParked(side);
      storeHidden(side);
      statement.execute("DELETE FROM main.__marmot_parked");
      statement.execute("DELETE FROM main.__marmot_hidden");
      statement.execute("DELETE FROM main.__marmot_skipped");
      statement.execute("DELETE FROM main.__marmot_change_log");
      statement.execute("DELETE FROM main.__marmot_held_back");
      side.pending().restart();
      side.commit();
      return new StagedCopy(file, copy, new StagedStore(copy, side, state), leftOut);
    }
  }

  private static long[] removePending(WriteSide side) throws SQLException {
    LongStream.Builder hashes = LongStream.builder();
    side.pending()
        .forEach(
            (id, canonical, seq) -> {
              TableWriter table = side.tables().withId(id);
              if (table != null) {
                int arity = TableReader.keyArity(table.schema());
                List<SqliteValue> key = side.changeLog().keyAt(seq, arity);
                side.triggers().suspend(table.schema());
                table.delete(new RowImage(table.schema().shape(), key, List.of(), true, false, 0));
                hashes.add(table.keys().keyHash(canonical));
              }
            });
    return hashes.build().toArray();
  }

  /** What kept a row parked was pending, so it fits now. */
  private static void storeParked(WriteSide side) throws SQLException {
    for (RowKey key : side.aside().parkedKeys()) {
      Parked parked = side.aside().parked(key).orElseThrow();
      store(side, parked.image(), parked.origin());
    }
  }

  /** Under the pending rows that were removed is what the order log put there. */
  private static void storeHidden(WriteSide side) throws SQLException {
    for (RowImage hidden : side.aside().hidden()) {
      if (!hidden.tombstone()) {
        store(side, hidden, 0);
      }
    }
  }

  private static void store(WriteSide side, RowImage image, int origin) throws SQLException {
    TableWriter table = side.tables().named(image.table());
    String reason = "there is no such table here, or it does not replicate";
    if (table != null) {
      side.triggers().suspend(table.schema());
      if (!(table.write(image, null) instanceof WriteResult.Refused refused)) {
        return;
      }
      reason = refused.reason();
    }
    side.aside().hold(image, origin, reason);
  }
}
