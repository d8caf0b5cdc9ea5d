package dev.marmot.sqlite.hooks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteOpenMode;

/**
 * The way to the application's file: connections that never create it, and the switch to WAL mode.
 * Immutable. Looks at the file's attributes only; SQLite alone opens it.
 */
public final class DatabaseFile {
  static final String MODE_BEFORE = "journal_mode_before";
  static final String FROM_META = "FROM main.__marmot_meta WHERE key='" + MODE_BEFORE + "'";
  private static final Logger log = LoggerFactory.getLogger(DatabaseFile.class);

  private final Path path;
  private final Duration busyTimeout;

  /**
   * Opens nothing yet.
   *
   * @param busyTimeout how long connections wait for the application's locks
   */
  public DatabaseFile(Path path, Duration busyTimeout) {
    this.path = path.toAbsolutePath();
    this.busyTimeout = busyTimeout;
  }

  public Path path() {
    return path;
  }

  /** A connection for reading and writing. Throws {@link DatabaseFileException}. */
  public Connection connect() {
    return connect(false);
  }

  /** A connection that cannot write. Throws {@link DatabaseFileException}. */
  public Connection connectReadOnly() {
    return connect(true);
  }

  private Connection connect(boolean readOnly) {
    check();
    SQLiteConfig config = new SQLiteConfig();
    config.resetOpenMode(SQLiteOpenMode.CREATE);
    if (readOnly) {
      config.setReadOnly(true);
    }
    config.setBusyTimeout((int) busyTimeout.toMillis());
    // A URI, because the driver takes what follows a question mark in a plain path for settings.
    String url = "jdbc:sqlite:file:" + path.toUri().getRawPath();
    try {
      return checked(config.createConnection(url));
    } catch (SQLException e) {
      throw explained("open", e);
    }
  }

  /** Opening reads nothing; the first read shows whether it is a database at all. */
  private static Connection checked(Connection connection) throws SQLException {
    boolean done = false;
    try {
      OwnTables.number(connection, "SELECT count(*) FROM main.sqlite_schema");
      done = true;
      return connection;
    } finally {
      if (!done) {
        connection.close();
      }
    }
  }

  /**
   * Switches the file to WAL mode unless it is in it, and keeps the earlier mode for the cleanup.
   * Throws {@link DatabaseFileException} where that is impossible.
   *
   * @return the mode before, when this call changed it
   */
  public Optional<String> useWal(Connection connection) {
    try {
      String before = text(connection, "PRAGMA main.journal_mode");
      // First the note, then the switch: after a crash between them the cleanup finds what it
      // needs. A file that was in WAL mode is noted too, because a cleanup leaves it on its way.
      rememberMode(connection, before);
      if (before.equals("wal")) {
        return Optional.empty();
      }
      String after = text(connection, "PRAGMA main.journal_mode=wal");
      if (!after.equals("wal")) {
        throw new DatabaseFileException(
            "cannot switch "
                + path
                + " to WAL mode: it stays in mode "
                + after
                + "; put it on a local file system that supports shared memory");
      }
      log.atInfo()
          .addKeyValue("file", path)
          .addKeyValue("before", before)
          .log("switched to wal mode");
      return Optional.of(before);
    } catch (SQLException e) {
      throw explained("switch to WAL mode", e);
    }
  }

  private static void rememberMode(Connection connection, String mode) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(OwnTables.META_DDL);
      if (OwnTables.number(connection, "SELECT count(*) " + FROM_META) == 0) {
        statement.execute(
            "INSERT INTO main.__marmot_meta(key,value) VALUES('%s','%s')"
                .formatted(MODE_BEFORE, mode));
      }
    }
  }

  /** Throws when there is no such file, or no file that can be one. */
  public void check() {
    if (!Files.exists(path)) {
      throw new DatabaseFileException(
          "cannot open "
              + path
              + ": there is no such file; let the application create it, or check the path");
    }
    if (!Files.isRegularFile(path)) {
      throw new DatabaseFileException(
          "cannot open " + path + ": it is not a regular file; give the path of the SQLite file");
    }
  }

  DatabaseFileException explained(String verb, SQLException e) {
    String start = "cannot " + verb + " " + path + ": ";
    return new DatabaseFileException(start + cause(e), e);
  }

  private static String cause(SQLException e) {
    SQLiteErrorCode code =
        e instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.SQLITE_ERROR;
    return switch (SQLiteErrorCode.getErrorCode(code.code & 0xFF)) {
      case SQLITE_NOTADB ->
          "it is not a SQLite database, or it is encrypted"
              + "; encrypted files cannot be replicated, otherwise check the path";
      case SQLITE_BUSY, SQLITE_LOCKED ->
          "another process has it locked"
              + "; end its transaction, or its PRAGMA locking_mode=EXCLUSIVE, and try again";
      case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN ->
          "it cannot be written here (%s); give this user write access to the file and its directory"
              .formatted(message(e));
      case SQLITE_CORRUPT -> "it is damaged (%s); restore it from a backup".formatted(message(e));
      default -> message(e) + "; see the SQLite error code " + code.name();
    };
  }

  private static String message(SQLException e) {
    return String.valueOf(e.getMessage());
  }

  static String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? String.valueOf(rows.getString(1)).toLowerCase(Locale.ROOT) : "";
    }
  }
}
