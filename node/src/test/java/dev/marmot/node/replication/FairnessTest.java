package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application writes while the node applies other nodes' change sets without end: the lock is
 * shared fairly. The node's real threads, the application's real processes; only the logs are in
 * memory.
 */
class FairnessTest {
  private static final String[] SCHEMA = {
    "CREATE TABLE theirs(id INTEGER PRIMARY KEY, u UNIQUE, v)",
    "CREATE TABLE mine(who, n, PRIMARY KEY(who, n))",
  };
  private static final int ROWS = 1_000;
  private static final String FILL =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<"
          + ROWS
          + ") INSERT INTO theirs SELECT i, -i, randomblob(200) FROM n";
  private static final String CHANGE_ALL = "UPDATE theirs SET u=u-10000, v=randomblob(200)";
  private static final Duration MOST_HOLD = Duration.ofMillis(100);
  private static final double BUSY_SECONDS = 5;

  /** What the machine itself may take: a scheduler's slice, a sync of the disk. */
  private static final double SLACK_SECONDS = 0.75;

  /** Writes in a loop; prints how often it succeeded and failed, and its longest write. */
  private static final String WRITER =
      """
      import sqlite3, sys, time
      file, who, busy, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
      db = sqlite3.connect(file, timeout=busy, isolation_level=None)
      done, failed, longest, n = 0, 0, 0.0, 0
      end = time.monotonic() + seconds
      while time.monotonic() < end:
          start = time.monotonic()
          n += 1
          try:
              db.execute("INSERT INTO mine VALUES(?,?)", (who, n))
              done += 1
          except sqlite3.OperationalError as e:
              if "locked" not in str(e):
                  raise
              failed += 1
          longest = max(longest, time.monotonic() - start)
          time.sleep(0.001)
      print(done, failed, longest)
      """;

  @TempDir private Path directory;

  @Test
  void applicationWrites_whileChangeSetsAreAppliedBackToBack() throws Exception {
    try (Side side = Side.open(directory, 1, SCHEMA);
        ForeignNode other = ForeignNode.open(directory, SCHEMA)) {
      ApplierOptions options = new ApplierOptions(5 * ROWS, Duration.ofMillis(5), MOST_HOLD);
      try (Replicator replicator =
          new Replicator(1, side.store, new Epochs(), OriginOptions.DEFAULT, options)) {
        Flood flood = new Flood(replicator, other);
        replicator.start(flood.logs, () -> true);

        // One after the other: they would keep each other waiting, too.
        Outcome patient = flood.during(writer("patient", BUSY_SECONDS, 3));
        Outcome hasty = flood.during(writer("hasty", 0.01, 1));

        double hold = replicator.longestApplyMillis() / 1000.0;
        long applied = replicator.appliedChangeSets();
        String figures =
            "longest hold %.3f s, %d change sets applied; with a busy timeout of 5 s %s, of 10 ms %s"
                .formatted(hold, applied, patient, hasty);
        assertThat(patient.failed()).as(figures).isZero();
        assertThat(patient.longest()).as(figures).isLessThan(2 * hold + SLACK_SECONDS);
        assertThat(patient.done()).as(figures).isGreaterThan(20);
        assertThat(hasty.done()).as(figures).isGreaterThan(20);
        assertThat(hold).as(figures).isLessThan(20 * MOST_HOLD.toMillis() / 1000.0);
        assertThat(applied).as(figures).isGreaterThan(5); // replicating is not starved either
        assertThat(replicator.error()).isEmpty();
      }
      assertThat(side.query("SELECT count(*) FROM theirs")).isEqualTo("" + ROWS);
    }
  }

  /** There is always more to apply than one transaction takes. */
  private static final class Flood {
    private final Replicator replicator;
    private final LocalLogs logs;
    private final ForeignNode other;
    private final List<ByteString> changes;

    Flood(Replicator replicator, ForeignNode other) throws SQLException {
      this.replicator = replicator;
      this.logs = new LocalLogs(replicator);
      this.other = other;
      this.changes = List.of(other.rows(FILL), other.rows(CHANGE_ALL), other.rows(CHANGE_ALL));
    }

    Outcome during(Process writer) throws Exception {
      do {
        while (other.sent() - replicator.appliedChangeSets() < 100) {
          other.send(logs, changes.get(other.sent() % changes.size()));
        }
      } while (!writer.waitFor(5, TimeUnit.MILLISECONDS));
      return outcome(writer);
    }
  }

  private record Outcome(int done, int failed, double longest) {}

  private static Outcome outcome(Process writer) throws IOException {
    String out = new String(writer.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(writer.exitValue()).as(out).isZero();
    String[] fields = out.strip().split(" ", -1);
    return new Outcome(
        Integer.parseInt(fields[0]), Integer.parseInt(fields[1]), Double.parseDouble(fields[2]));
  }

  private Process writer(String who, double busySeconds, double seconds) throws IOException {
    List<String> command = new ArrayList<>(List.of("python3", "-c", WRITER));
    command.add(directory.resolve("n1.db").toString());
    command.addAll(List.of(who, "" + busySeconds, "" + seconds));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }
}
