package dev.marmot.sqlite.property;

import dev.marmot.sqlite.property.Plan.Step;
import dev.marmot.sqlite.store.Replica;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Carries out one plan on files of its own. Confined to one thread. */
final class Trial implements AutoCloseable {
  private static final long NONE = Long.MIN_VALUE;

  private final Plan plan;
  private final Path directory;
  private final List<Replica> nodes = new ArrayList<>();
  private final Connection twin;
  private int writer = 1;
  private boolean over;
  private long uncertainRowid = NONE;

  private Trial(Plan plan, Path directory) throws SQLException {
    this.plan = plan;
    this.directory = directory;
    this.twin = DriverManager.getConnection("jdbc:sqlite::memory:");
  }

  /** Why the plan fails; empty when all is well. The first word tells kinds of failures apart. */
  static Optional<String> failure(Plan plan, Path parent) throws SQLException, IOException {
    try (Trial trial = new Trial(plan, Files.createTempDirectory(parent, "trial"))) {
      trial.open();
      for (Step step : plan.steps()) {
        Optional<String> failure = trial.step(step);
        if (failure.isPresent()) {
          return failure.map(f -> f + "\nafter step " + step);
        }
        if (trial.over) {
          return Optional.empty();
        }
      }
      return trial.end();
    } catch (RuntimeException e) {
      return Optional.of("exception " + e);
    }
  }

  private void open() throws SQLException {
    for (int node = 1; node <= 2; node++) {
      Replica replica = Replica.open(directory, node, plan.schema().toArray(String[]::new));
      nodes.add(replica);
      replica.run(plan.settings().toArray(String[]::new));
    }
    try (Statement statement = twin.createStatement()) {
      for (String sql : plan.schema()) {
        statement.execute(sql);
      }
      for (String sql : plan.settings()) {
        statement.execute(sql);
      }
    }
  }

  private Optional<String> step(Step step) throws SQLException {
    Replica node = nodes.get(step.node() - 1);
    if (step.sql().equals(Step.REOPEN)) {
      node.reopen();
      return Optional.empty();
    }
    return step.sql().equals(Step.PUBLISH) ? publish(node) : write(node, step.sql());
  }

  /**
   * Nodes write one after the other: what happens to concurrent writes is the protocol's affair.
   */
  private Optional<String> write(Replica node, String sql) throws SQLException {
    if (node.node() != writer) {
      Optional<String> failure = publish(nodes.get(writer - 1));
      if (failure.isPresent()) {
        return failure;
      }
      writer = node.node();
    }
    return statement(node, sql);
  }

  private Optional<String> statement(Replica node, String sql) throws SQLException {
    Outcome hooked = Outcome.of(node.application(), sql);
    if (!plan.twin() || node.node() != 1) {
      over = KnownLimit.applies(hooked, hooked);
      return Optional.empty();
    }
    Outcome plain = Outcome.of(twin, sql);
    if (sql.equals("VACUUM") || plain.error().contains("FOREIGN KEY")) {
      // VACUUM leaves the rowid of the last row that it copied, whatever that was; a statement that
      // a foreign key stops has inserted its row before or not, depending on whether there are
      // triggers.
      uncertainRowid = plain.lastRowid();
    } else if (plain.lastRowid() != uncertainRowid) {
      uncertainRowid = NONE;
    }
    over = KnownLimit.applies(plain, hooked);
    // What FTS5 has not written yet, it writes at the commit, and changes() then counts its rows;
    // with triggers it has written all before.
    boolean writesIndex = sql.equals("COMMIT") && !plan.searches().isEmpty();
    return over || plain.same(hooked, uncertainRowid == NONE, !writesIndex)
        ? Optional.empty()
        : Optional.of("statement differs\nplain  " + plain + "\nhooked " + hooked);
  }

  private Optional<String> publish(Replica node) throws SQLException {
    for (String sql : List.of("COMMIT", "ROLLBACK")) {
      Optional<String> failure = statement(node, sql);
      if (failure.isPresent()) {
        return failure;
      }
    }
    Replica other = nodes.get(2 - node.node());
    node.publish(other);
    over |= KnownLimit.applies(other);
    var content = node.digests(node.application());
    if (!other.digests(other.application()).equals(content)) {
      return Optional.of("replicas differ\n" + content + "\n" + other.digests(other.application()));
    }
    if (other.capture().isPresent()) {
      return Optional.of("echo captured");
    }
    if (!other.query("SELECT count(*) FROM __marmot_held").equals("0")) {
      return Optional.of("held rows " + other.query("SELECT reason FROM __marmot_held"));
    }
    return over ? Optional.empty() : searches(node, other);
  }

  private Optional<String> searches(Replica node, Replica other) throws SQLException {
    for (String search : plan.searches()) {
      Outcome one = Outcome.of(node.application(), search);
      Outcome two = Outcome.of(other.application(), search);
      if (!one.rows().equals(two.rows()) || !one.error().equals(two.error())) {
        return Optional.of("search differs " + search + "\n" + one + "\n" + two);
      }
    }
    return Optional.empty();
  }

  private Optional<String> end() throws SQLException {
    Optional<String> failure = publish(nodes.get(writer - 1));
    if (failure.isPresent()) {
      return failure.map(f -> f + "\nat the end");
    }
    for (Replica node : nodes) {
      String check = node.query("PRAGMA integrity_check");
      // SQLite itself misses rows of expression indexes over BLOBs in UTF-16 files.
      boolean utf16 = plan.schema().stream().anyMatch(sql -> sql.contains("UTF-16"));
      if (!check.equals("ok") && !utf16) {
        return Optional.of("integrity " + check);
      }
    }
    var content = nodes.get(0).digests(nodes.get(0).application());
    if (plan.twin() && !content.equals(nodes.get(0).digests(twin))) {
      return Optional.of(
          "twin differs\nplain  " + nodes.get(0).digests(twin) + "\nhooked " + content);
    }
    return Optional.empty();
  }

  @Override
  public void close() throws SQLException {
    twin.close();
    for (Replica node : nodes) {
      node.close();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(Trial::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path path) {
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
