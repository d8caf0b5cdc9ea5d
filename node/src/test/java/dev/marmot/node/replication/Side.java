package dev.marmot.node.replication;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.StoreOptions;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** One node: an application, the store, the rules. Confined to the test's thread. */
final class Side implements AutoCloseable {
  static final CaptureLimits ALL = new CaptureLimits(1_000, 1 << 20);

  private final int node;
  private final Connection application;
  final SqliteReplicaStore store;
  final HeldRetry retry;
  private final WriterWindow window = new WriterWindow(1_000, List.of(), 0);
  private long number;

  Side(int node, Connection application, SqliteReplicaStore store) {
    this.node = node;
    this.application = application;
    this.store = store;
    this.retry = new HeldRetry(store);
  }

  /** Makes the file with the schema and opens it. */
  static Side open(Path directory, int node, String... schema) throws SQLException {
    Path file = directory.resolve("n" + node + ".db");
    Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
    Side side = new Side(node, application, open(file, node, application, schema));
    return side;
  }

  private static SqliteReplicaStore open(
      Path file, int node, Connection application, String... schema) throws SQLException {
    try (Statement statement = application.createStatement()) {
      for (String sql : schema) {
        statement.execute(sql);
      }
    }
    return SqliteReplicaStore.open(file, StoreOptions.defaults("n" + node));
  }

  void run(String... statements) throws SQLException {
    try (Statement statement = application.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  String query(String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Statement statement = application.createStatement();
        ResultSet found = statement.executeQuery(sql)) {
      while (found.next()) {
        List<String> cells = new ArrayList<>();
        for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
          cells.add(String.valueOf(found.getString(i)));
        }
        rows.add(String.join("|", cells));
      }
    }
    return String.join(" ", rows);
  }

  List<LoggedConflict> conflicts() {
    List<LoggedConflict> all = new ArrayList<>();
    store.conflicts(0, all::add);
    return all;
  }

  List<String> heldReasons() {
    List<String> reasons = new ArrayList<>();
    store.held(0, row -> reasons.add(row.held().reason()));
    return reasons;
  }

  CapturedChanges capture() {
    return store.capture(store.state().lastOf(node).maxSeq(), ALL).orElseThrow();
  }

  /** Captures, and applies at the same position here and there. */
  void publish(Side other) {
    CapturedChanges changes = capture();
    apply(this, changes, rows -> rows);
    other.apply(this, changes, rows -> rows);
  }

  void apply(Side origin, CapturedChanges changes, UnaryOperator<List<RowImage>> choice) {
    if (origin == this) {
      number++;
    }
    ChangeSet set =
        new ChangeSet(
            new ChangeSetId(origin.node, 1, origin.number),
            changes.maxSeq(),
            changes.file(),
            changes.base(),
            choice.apply(changes.rows()));
    long position = store.state().position() + 1;
    try (ApplyTransaction tx = store.begin()) {
      rules(tx).apply(set, position, 0);
      tx.last(origin.node, new LastApplied(1, origin.number, changes.maxSeq(), changes.file(), -1));
      if (origin == this) {
        tx.trimChangeLog(changes.maxSeq());
      }
      rules(tx).rejudgeParked();
      tx.position(1, position);
      tx.commit();
    }
  }

  private RowRules rules(ApplyTransaction tx) {
    return new RowRules(tx, window, node, store.state().file(), ProtocolRules.ALL);
  }

  /** Tries held rows until there is nothing to do; says whether there was something. */
  boolean step() {
    boolean any = false;
    while (retry.step((tx, held) -> rules(tx).retry(held), tx -> rules(tx).rejudgeParked())) {
      any = true;
    }
    return any;
  }

  @Override
  public void close() throws SQLException {
    store.close();
    application.close();
  }
}
