package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Soundness;
import dev.marmot.sqlite.schema.TablePatterns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;

/**
 * A snapshot as one ordinary SQLite file, with Marmot's bookkeeping and hooks in it. Immutable, and
 * so must the file be: it is read without locks, so that anybody may copy its bytes meanwhile.
 */
public final class SqliteSnapshot implements Snapshot {
  static final String FORMAT_KEY = "snapshot_format";
  static final long FORMAT = 1;
  private static final int REPORTED = 3;
  private static final Logger log = LoggerFactory.getLogger(SqliteSnapshot.class);

  private final Path path;
  private final ReplicaState state;

  SqliteSnapshot(Path path, ReplicaState state) {
    this.path = path;
    this.state = state;
  }

  /**
   * Opens a file that came from elsewhere: checks that it is a snapshot, complete and undamaged as
   * far as SQLite can tell.
   */
  public static SqliteSnapshot open(Path path) {
    if (Files.isRegularFile(path)) {
      checkUndamaged(path);
    }
    return openUnchanged(path);
  }

  /**
   * Opens a file whose every byte was compared with what the donor had sealed: checks that it is a
   * snapshot and complete.
   */
  public static SqliteSnapshot openUnchanged(Path path) {
    Path file = path.toAbsolutePath();
    if (!Files.isRegularFile(file)) {
      throw notOne(path, "there is no such file", null);
    }
    try (Connection connection = connect(file)) {
      check(connection, path);
      return new SqliteSnapshot(file, Bookkeeping.load(connection));
    } catch (SQLException e) {
      throw notOne(path, String.valueOf(e.getMessage()), e);
    }
  }

  private static void check(Connection connection, Path path) throws SQLException {
    long format = number(connection, "SELECT value FROM __marmot_meta WHERE key='snapshot_format'");
    if (format != FORMAT) {
      throw notOne(path, "its format is " + format + " and this version knows " + FORMAT, null);
    }
    long left =
        number(
            connection,
            "SELECT (SELECT count(*) FROM __marmot_change_log)"
                + "+(SELECT count(*) FROM __marmot_parked)"
                + "+(SELECT count(*) FROM __marmot_skipped)");
    if (left != 0) {
      throw notOne(path, "it is not complete: " + left + " rows of it are undecided", null);
    }
  }

  private static void checkUndamaged(Connection connection, Path path) throws SQLException {
    List<String> problems = quickCheck(connection);
    if (!problems.isEmpty()) {
      throw notOne(path, "it is damaged (" + String.join("; ", problems) + ")", null);
    }
  }

  /** Throws when SQLite finds the file damaged; nobody writes to it. */
  public static void checkUndamaged(Path path) {
    try (Connection connection = connect(path.toAbsolutePath())) {
      checkUndamaged(connection, path);
    } catch (SQLException e) {
      throw notOne(path, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Makes a file that nobody has open, or a directory's entries, survive a power loss.
   *
   * @throws IOException when the disk does not take it
   */
  public static void makeDurable(Path path) throws IOException {
    WalSync.force(path);
  }

  private static SqliteReplicationException notOne(
      Path path, String why, @Nullable Throwable cause) {
    return new SqliteReplicationException(
        "cannot open the snapshot " + path + ": " + why + "; fetch or make it again", cause);
  }

  /** What PRAGMA quick_check complains about; empty when all is well. */
  static List<String> quickCheck(Connection connection) throws SQLException {
    Soundness found = Soundness.check(connection, REPORTED);
    if (!found.unchecked().isEmpty()) {
      log.atInfo().addKeyValue("tables", found.unchecked()).log("not checked for damage");
    }
    return found.problems();
  }

  static long number(Connection connection, String sql) throws SQLException {
    try (Query query = new Query(connection, sql)) {
      return query.number(0);
    }
  }

  static Optional<String> text(Connection connection, String sql) throws SQLException {
    try (Query query = new Query(connection, sql)) {
      List<String> found = new ArrayList<>(1);
      query.forEach(row -> found.add(row.text(0)));
      return found.stream().findFirst();
    }
  }

  public Path path() {
    return path;
  }

  @Override
  public ReplicaState state() {
    return state;
  }

  /**
   * Makes a database of it where there is none yet: the same rows at the same position, with an
   * identity of its own. Fails when there is a file, and never leaves a part of one. The snapshot's
   * file is used up by it.
   */
  public void place(Path target) {
    Adoption.place(path, target);
  }

  /** A value that the donor kept in its file under this key: its cluster. */
  public Optional<String> meta(String key) {
    try (Connection connection = connect();
        Query query = new Query(connection, "SELECT value FROM main.__marmot_meta WHERE key=?1")) {
      List<String> found = new ArrayList<>(1);
      query.bind(1, key).forEach(row -> found.add(row.text(0)));
      return found.stream().findFirst();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the snapshot " + path, e);
    }
  }

  List<WriterEntry> writers() {
    try (Connection connection = connect()) {
      return Bookkeeping.writers(connection);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the snapshot " + path, e);
    }
  }

  /** Content hash of each replicated table, as {@link SqliteReplicaStore#digests}. */
  public Map<String, String> digests(TablePatterns excluded) {
    try (Connection connection = connect()) {
      return DatabaseDigest.of(connection, new SchemaReader(excluded).read(connection));
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the snapshot " + path, e);
    }
  }

  /** A connection that only reads, and knows that nobody writes. */
  Connection connect() throws SQLException {
    return connect(path);
  }

  static Connection connect(Path path) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setReadOnly(true);
    return config.createConnection("jdbc:sqlite:" + uri(path));
  }

  /** What ATTACH takes. */
  String uri() {
    return uri(path);
  }

  private static String uri(Path path) {
    return "file:" + path.toUri().getRawPath() + "?immutable=1";
  }
}
