package dev.marmot.sqlite.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** Looks at the file's WAL, without copying anything out of it. Confined to one thread. */
final class WalCheck {
  private static final String FILE = "file";
  private static final long LARGE_BYTES = 64 << 20;

  /**
   * SQLite copies the WAL into the file at the commit that brings it to 1,000 pages, and at every
   * later one, unless a reader or a setting of the application keeps it from that.
   */
  private static final long MANY_PAGES = 4_000;

  private final Path path;
  private final Connection connection;
  private final Findings findings;

  WalCheck(Path path, Connection connection, Findings findings) {
    this.path = path;
    this.connection = connection;
    this.findings = findings;
  }

  void run(Map<String, String> facts) throws SQLException {
    long bytes = bytes();
    long waiting = waitingPages();
    facts.put("wal_bytes", Long.toString(bytes));
    facts.put("wal_pages_waiting", Long.toString(waiting));
    if (waiting > MANY_PAGES) {
      findings.warning(
          FILE,
          waiting
              + " pages of its WAL cannot be copied into it: a reader has been open since before they"
              + " were written, or the application has switched wal_autocheckpoint off; the WAL grows"
              + " until that ends",
          "end transactions of readers soon, statements that were not read to their end among them");
    } else if (bytes > LARGE_BYTES) {
      findings.note(
          FILE,
          "its WAL takes "
              + (bytes >> 20)
              + " MiB of the disk, nearly all of it free again: a long reader or a large transaction"
              + " left it behind",
          "nothing: Marmot cuts it back while it runs");
    }
  }

  private long waitingPages() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("PRAGMA main.wal_checkpoint(NOOP)")) {
      return row.next() ? Math.max(0, row.getLong(2) - row.getLong(3)) : 0;
    }
  }

  private long bytes() {
    try {
      Path wal = path.resolveSibling(path.getFileName() + "-wal");
      return Files.exists(wal) ? Files.size(wal) : 0;
    } catch (IOException e) {
      return 0; // gone between the two looks: the last user has closed the file
    }
  }
}
