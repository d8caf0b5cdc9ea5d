package dev.marmot.sqlite.store;

import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.schema.SchemaReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Prints what a schema of many tables costs in processor time. Run by hand. */
public final class SchemaCost {
  private static final int TABLES = 200;
  private static final int ROUNDS = 30;

  private SchemaCost() {}

  public static void main(String[] args) throws Exception {
    List<String> schema = new ArrayList<>();
    for (int i = 0; i < TABLES; i++) {
      schema.add("CREATE TABLE t" + i + "(id INTEGER PRIMARY KEY, a TEXT, b TEXT UNIQUE, c)");
    }
    Path directory = Files.createTempDirectory("cost");
    try (Replica replica = Replica.open(directory, 1, schema.toArray(String[]::new))) {
      replica.run("INSERT INTO t1(b) VALUES(1)");
      print("newest seq", 2000, () -> replica.store.newestSeq());
      print("begin and commit nothing", 500, () -> replica.store.begin().close());
      print("capture nothing", 500, () -> replica.store.capture(1, Replica.ALL));
      List<Double> begin = new ArrayList<>();
      List<Double> capture = new ArrayList<>();
      List<Double> sqlite = new ArrayList<>();
      for (int i = 0; i < ROUNDS; i++) {
        try (Connection other = new DatabaseFile(replica.file, Duration.ofSeconds(9)).connect()) {
          other.createStatement().execute("CREATE INDEX i" + i + " ON t0(c)");
        }
        measure(sqlite, () -> replica.query("SELECT count(*) FROM t1"));
        measure(begin, () -> replica.store.begin().close());
        measure(capture, () -> replica.store.capture(1, Replica.ALL));
      }
      report("SQLite itself after a change", sqlite);
      report("begin after a change", begin);
      report("capture after a change", capture);
      parts(replica);
    }
  }

  private static void parts(Replica replica) throws SQLException {
    SchemaReader reader = new SchemaReader();
    Hooks hooks = new Hooks(reader);
    try (Connection connection = new DatabaseFile(replica.file, Duration.ofSeconds(9)).connect()) {
      print("read the schema", ROUNDS, () -> reader.read(connection));
      var schema = reader.read(connection);
      print("compare the hooks", ROUNDS, () -> hooks.current(connection, schema));
    }
  }

  private static void print(String what, int rounds, Work work) throws SQLException {
    List<Double> times = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      measure(times, work);
    }
    report(what, times);
  }

  private static void measure(List<Double> times, Work work) throws SQLException {
    long start = now();
    work.run();
    times.add((now() - start) / 1000.0);
  }

  private static void report(String what, List<Double> times) {
    double first = times.get(0);
    Collections.sort(times);
    System.out.printf(
        Locale.ROOT, "%s: first %.0f, median %.0f us%n", what, first, times.get(times.size() / 2));
  }

  private static long now() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private interface Work {
    void run() throws SQLException;
  }
}
