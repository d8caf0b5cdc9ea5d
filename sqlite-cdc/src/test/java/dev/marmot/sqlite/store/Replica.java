package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.codec.Slicer;
import dev.marmot.sqlite.schema.SchemaReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** A file with an application and a store on it, for tests. Confined to one thread. */
public final class Replica implements AutoCloseable {
  static final CaptureLimits ALL = new CaptureLimits(1_000_000, Long.MAX_VALUE);

  final Path file;
  final int node;
  final Connection application;
  SqliteReplicaStore store;
  private long number;

  private Replica(Path file, int node, Connection application, SqliteReplicaStore store) {
    this.file = file;
    this.node = node;
    this.application = application;
    this.store = store;
  }

  public static Replica open(Path directory, int node, String... schema) throws SQLException {
    Path file = directory.resolve("node" + node + ".db");
    Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement statement = application.createStatement()) {
      for (String sql : schema) {
        statement.execute(sql);
      }
      statement.execute("PRAGMA user_version=1");
    }
    return new Replica(
        file, node, application, SqliteReplicaStore.open(file, StoreOptions.defaults("n" + node)));
  }

  public int node() {
    return node;
  }

  /** The application's connection. */
  public Connection application() {
    return application;
  }

  /** Content hashes of the tables that a connection sees, of this replica or another file. */
  public Map<String, String> digests(Connection connection) throws SQLException {
    return DatabaseDigest.of(connection, new SchemaReader().read(connection));
  }

  /** What the store tells the operator. */
  public List<String> warnings() {
    return store.warnings();
  }

  public void reopen() {
    store.close();
    store = SqliteReplicaStore.open(file, StoreOptions.defaults("n" + node));
  }

  public Replica run(String... statements) throws SQLException {
    try (Statement statement = application.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
    return this;
  }

  public String query(String sql) throws SQLException {
    try (Statement statement = application.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      StringBuilder out = new StringBuilder();
      while (rows.next()) {
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
          out.append(i > 1 ? "|" : "").append(rows.getString(i));
        }
        out.append('\n');
      }
      return out.toString().strip();
    }
  }

  public Optional<CapturedChanges> capture() {
    return store.capture(WriteSide.applied(store.state()), ALL);
  }

  /** Captures and applies here and on the others, through the codec. */
  public void publish(Replica... others) {
    Optional<CapturedChanges> captured = capture();
    if (captured.isEmpty()) {
      return;
    }
    number++;
    CapturedChanges changes = throughCodec(captured.get());
    apply(changes, this);
    for (Replica other : others) {
      other.apply(changes, this);
    }
  }

  static CapturedChanges throughCodec(CapturedChanges changes) {
    List<RowImage> rows = new ArrayList<>();
    for (List<RowImage> piece : Slicer.slice(changes.rows())) {
      rows.addAll(ChangeSetCodec.decode(ChangeSetCodec.encode(piece)));
    }
    return new CapturedChanges(
        rows,
        changes.maxSeq(),
        changes.base(),
        changes.schemaVersion(),
        changes.file(),
        changes.complete());
  }

  /** The simplest apply: a pending key keeps its row, whoever collides is displaced. */
  void apply(CapturedChanges changes, Replica origin) {
    try (ApplyTransaction transaction = store.begin()) {
      apply(transaction, changes, origin);
      transaction.position(1, store.state().position() + 1);
      transaction.commit();
    }
  }

  void apply(ApplyTransaction transaction, CapturedChanges changes, Replica origin) {
    boolean own = origin == this;
    List<RowImage> writes = new ArrayList<>();
    for (RowImage image : changes.rows()) {
      RowKey key = transaction.key(image);
      OptionalLong pending = transaction.pendingSeq(key);
      if (own && pending.isPresent() && pending.getAsLong() <= changes.maxSeq()) {
        transaction.settle(key);
        pending = OptionalLong.empty();
      }
      if (pending.isEmpty()) {
        writes.add(image);
      }
    }
    for (RowImage image : writes) {
      if (image.tombstone()) {
        transaction.delete(image);
      } else if (transaction.hasUniqueIndexes(image.table())) {
        transaction.vacate(image);
      }
    }
    for (RowImage image : writes) {
      boolean same =
          transaction.stored(image).map(stored -> stored.sameContent(image)).orElse(false);
      if (!image.tombstone() && !same) {
        transaction.colliders(image).forEach(transaction::delete);
        if (transaction.write(image) instanceof WriteResult.Refused refused) {
          transaction.hold(image, origin.node, refused.reason());
        }
      }
    }
    transaction.last(
        origin.node, new LastApplied(1, origin.number, changes.maxSeq(), changes.file(), -1));
    if (own) {
      transaction.trimChangeLog(changes.maxSeq());
    }
  }

  /** Applies a change set of this node to a copy that this node staged. */
  void applyTo(ReplicaStore copy, CapturedChanges changes) {
    try (ApplyTransaction transaction = copy.begin()) {
      number++;
      new Replica(file, 0, application, store).apply(transaction, changes, this);
      transaction.position(1, copy.state().position() + 1);
      transaction.commit();
    }
    number--;
  }

  /** Installs as the protocol does, but decides nothing about pending keys. */
  InstallTransaction install(Snapshot snapshot) {
    InstallTransaction transaction = store.install(snapshot);
    ReplicaState theirs = snapshot.state();
    LastApplied mine = theirs.lastOf(node);
    if (mine.file() == store.state().file()) {
      transaction.trimChangeLog(mine.maxSeq());
    }
    transaction.replaceRows(true);
    transaction.uniteConflicts();
    theirs.last().forEach(transaction::last);
    theirs.minEpoch().forEach(transaction::minEpoch);
    transaction.replaceWriters();
    transaction.position(theirs.term(), theirs.position());
    return transaction;
  }

  static void copy(Path from, Path to) throws java.io.IOException {
    Files.copy(from, to);
  }

  @Override
  public void close() throws SQLException {
    store.close();
    application.close();
  }
}
