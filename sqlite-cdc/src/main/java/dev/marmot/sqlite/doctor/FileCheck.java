package dev.marmot.sqlite.doctor;

import dev.marmot.sqlite.schema.Soundness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Looks at the file as a whole. Confined to one thread. */
final class FileCheck {
  private static final String FILE = "file";
  private static final int REPORTED = 5;
  private static final Pattern NETWORK =
      Pattern.compile(
          "nfs.*|cifs|smb.*|afs|9p|fuse\\.(sshfs|s3fs|gcsfuse|glusterfs).*|ceph|lustre");

  private final Path path;
  private final Connection connection;
  private final Findings findings;
  private final Map<String, String> facts = new TreeMap<>();

  FileCheck(Path path, Connection connection, Findings findings) {
    this.path = path;
    this.connection = connection;
    this.findings = findings;
  }

  Map<String, String> facts() {
    return facts;
  }

  void settings() throws SQLException {
    for (String pragma :
        List.of("journal_mode", "page_size", "page_count", "encoding", "auto_vacuum")) {
      facts.put(pragma, texts("PRAGMA main." + pragma).get(0));
    }
    if (!"wal".equals(facts.get("journal_mode"))) {
      findings.note(
          FILE,
          "it is in journal mode " + facts.get("journal_mode") + "; Marmot switches it to WAL",
          "mind that a backup must then copy the -wal file too, or use VACUUM INTO");
    }
    if (!"UTF-8".equals(facts.get("encoding"))) {
      findings.warning(
          FILE,
          "its encoding is " + facts.get("encoding"),
          "make the files of all nodes with the same PRAGMA encoding");
    }
    fileSystem();
    new WalCheck(path, connection, findings).run(facts);
  }

  private void fileSystem() {
    try {
      String type = Files.getFileStore(path).type().toLowerCase(Locale.ROOT);
      facts.put("file_system", type);
      if (NETWORK.matcher(type).matches()) {
        findings.problem(
            FILE,
            "it is on the network file system " + type + ", where WAL mode does not work",
            "move it to a local disk");
      }
    } catch (IOException e) {
      findings.note(FILE, "its file system is unknown: " + e.getMessage(), "");
    }
    if (!Files.isWritable(path) || !Files.isWritable(path.toAbsolutePath().resolveSibling("."))) {
      findings.problem(
          FILE,
          "this user cannot write it or its directory",
          "give the user of Marmot write access to both");
    }
  }

  /** Whether it is sound enough to look further. */
  boolean integrity() throws SQLException {
    Soundness found;
    try {
      found = Soundness.check(connection, REPORTED);
    } catch (SQLException e) { // so damaged that not even the check ends
      found = new Soundness(List.of(String.valueOf(e.getMessage())), Map.of());
    }
    String problems = String.join("; ", found.problems());
    facts.put("quick_check", problems.isEmpty() ? "ok" : problems);
    if (!problems.isEmpty()) {
      findings.problem(FILE, "it is damaged: " + problems, "restore it from a backup");
      return false;
    }
    found
        .unchecked()
        .forEach(
            (table, reason) ->
                findings.note(
                    "table " + table,
                    "it was not checked for damage, since only the application can ("
                        + reason
                        + ")",
                    "run PRAGMA quick_check in the application"));
    orphans();
    return true;
  }

  /** One table that only the application can read keeps SQLite from looking at all others. */
  private void orphans() throws SQLException {
    List<String> orphans;
    try {
      orphans =
          texts(
              "SELECT \"table\"||' ('||count(*)||')' FROM pragma_foreign_key_check GROUP BY \"table\"");
    } catch (SQLException e) {
      findings.note(FILE, "its foreign keys cannot be checked here: " + e.getMessage(), "");
      return;
    }
    if (!orphans.isEmpty()) {
      findings.warning(
          FILE,
          "rows refer to rows that are missing: " + String.join(", ", orphans),
          "they replicate as they are; find them with PRAGMA foreign_key_check, and repair them");
    }
  }

  /** What this Marmot, or one of the versions written in Go, has left in the file. */
  void leftovers() throws SQLException {
    List<String> old =
        texts(
            "SELECT name FROM main.sqlite_schema WHERE type IN ('table','trigger')"
                + " AND name GLOB '__marmot__*' ORDER BY name LIMIT 5");
    if (!old.isEmpty()) {
      findings.problem(
          FILE,
          "it has tables or triggers of Marmot 0.3 to 0.8 ("
              + String.join(", ", old)
              + "), which go on logging and can make the application's writes fail",
          "stop the old Marmot everywhere and run marmot cleanup --db-path " + path);
    }
    if (texts("SELECT 1 FROM main.sqlite_schema WHERE name='__marmot_state'").isEmpty()) {
      facts.put("marmot", "never replicated");
      return;
    }
    List<String> node = texts("SELECT value FROM main.__marmot_meta WHERE key='node'");
    facts.put(
        "marmot",
        "node "
            + (node.isEmpty() ? "?" : node.get(0))
            + " at position "
            + texts("SELECT position FROM main.__marmot_state").get(0)
            + ", "
            + texts("SELECT count(*) FROM main.__marmot_change_log").get(0)
            + " rows in the change log");
  }

  /** What no file tells, because each connection of the application decides it. */
  static void application(Findings findings) {
    String subject = "application";
    findings.note(
        subject,
        "without a busy timeout its writes fail while Marmot applies",
        "set PRAGMA busy_timeout=5000 or the like on every connection");
    findings.note(
        subject,
        "a transaction that reads first and writes later fails at once when somebody wrote between",
        "begin such transactions with BEGIN IMMEDIATE");
    findings.note(
        subject,
        "PRAGMA locking_mode=EXCLUSIVE keeps Marmot out, synchronous=OFF gives up what a power"
            + " loss takes, and total_changes() counts the rows of Marmot's triggers too",
        "use none of them; count with changes()");
  }

  private List<String> texts(String sql) throws SQLException {
    List<String> found = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        found.add(String.valueOf(rows.getString(1)));
      }
    }
    return found;
  }
}
