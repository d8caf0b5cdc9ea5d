package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot has otherwise than the live file, found out while everybody may write. Confined
 * to the applier thread.
 *
 * <p>The snapshot is attached to the write connection. What is written locally between the
 * comparison and the installation is in the change log, so its keys are pending and stay as they
 * are: for all others the comparison still holds.
 */
final class Differences implements AutoCloseable {
  private static final String MISSING_CONFLICTS = "temp.__marmot_missing_conflicts";
  private static final String CONFLICT = "tbl,k,losing_origin,winning_origin,position,reason,image";

  /** What tells two entries apart; the image is a consequence. */
  private static final String SAME_CONFLICT = "position,tbl,k,reason,losing_origin";

  private static final int CACHE_KIB = 64 << 10;

  private final Connection connection;
  private final SqliteSnapshot snapshot;
  private final Connection reading;
  private final DatabaseSchema snapshotSchema;
  private final TablePatterns excluded;
  private final List<TableDifference> tables = new ArrayList<>();
  private final List<TableSchema> lacking = new ArrayList<>();
  private final Map<String, TableSchema> snapshotTables = new HashMap<>();

  private Differences(
      Connection connection,
      SqliteSnapshot snapshot,
      Connection reading,
      DatabaseSchema snapshotSchema,
      TablePatterns excluded) {
    this.connection = connection;
    this.snapshot = snapshot;
    this.reading = reading;
    this.snapshotSchema = snapshotSchema;
    this.excluded = excluded;
    snapshotSchema.tables().values().forEach(t -> snapshotTables.put(Sql.fold(t.name()), t));
  }

  /** Attaches the snapshot; outside a transaction. */
  static Differences open(Connection connection, SqliteSnapshot snapshot, TablePatterns excluded)
      throws SQLException {
    Connection reading = snapshot.connect();
    boolean done = false;
    try {
      checkEncoding(connection, reading);
      Differences differences =
          new Differences(
              connection, snapshot, reading, new SchemaReader().read(reading), excluded);
      try (Query attach = new Query(connection, "ATTACH ?1 AS " + DifferenceSql.SNAPSHOT)) {
        attach.bind(1, snapshot.uri()).update();
      }
      done = true;
      return differences;
    } finally {
      if (!done) {
        reading.close();
      }
    }
  }

  private static void checkEncoding(Connection live, Connection snapshot) throws SQLException {
    String encoding = "PRAGMA main.encoding";
    String here = SqliteSnapshot.text(live, encoding).orElse("");
    String there = SqliteSnapshot.text(snapshot, encoding).orElse("");
    if (!here.equals(there)) {
      throw new SqliteReplicationException(
          "cannot install the snapshot: its text is in "
              + there
              + " and this file's in "
              + here
              + "; give all nodes files of one PRAGMA encoding",
          null);
    }
  }

  /**
   * Compares all tables in one read transaction.
   *
   * @param side the write connection, whose schema is up to date
   */
  void find(WriteSide side) throws SQLException {
    drop();
    execute("PRAGMA main.cache_size=-" + CACHE_KIB);
    execute("PRAGMA " + DifferenceSql.SNAPSHOT + ".cache_size=-" + CACHE_KIB);
    execute("BEGIN");
    boolean done = false;
    try {
      for (TableSchema theirs : snapshotSchema.tables().values()) {
        find(theirs, side);
      }
      execute(
          "CREATE TABLE "
              + MISSING_CONFLICTS
              + " AS SELECT id FROM "
              + DifferenceSql.SNAPSHOT
              + ".__marmot_conflict WHERE ("
              + SAME_CONFLICT
              + ") NOT IN (SELECT "
              + SAME_CONFLICT
              + " FROM main.__marmot_conflict)");
      execute("COMMIT");
      done = true;
    } finally {
      if (!done) {
        execute("ROLLBACK");
      }
    }
  }

  private void find(TableSchema theirs, WriteSide side) throws SQLException {
    TableWriter table = side.tables().named(theirs.name());
    if (table != null && DifferenceSql.fits(table.schema(), theirs)) {
      TableDifference difference =
          new TableDifference(connection, table, theirs, side.triggers(), tables.size());
      tables.add(difference);
      difference.find();
    } else if (!excluded.match(theirs.name())) {
      lacking.add(theirs);
    }
  }

  List<TableDifference> tables() {
    return tables;
  }

  /** Tables of the snapshot whose rows this file has no place for. */
  List<TableSchema> lacking() {
    return lacking;
  }

  SqliteSnapshot snapshot() {
    return snapshot;
  }

  /** The snapshot's own connection, for reading rows. */
  Connection reading() {
    return reading;
  }

  /** What the snapshot holds aside. */
  SetAside heldInSnapshot() throws SQLException {
    SetAside theirs = new SetAside(reading, Clock.systemUTC(), 1);
    theirs.look();
    return theirs;
  }

  String encoding() {
    return snapshotSchema.encoding();
  }

  /** The snapshot's table with this name in any case, or null. */
  @Nullable TableSchema snapshotTable(String name) {
    return snapshotTables.get(Sql.fold(name));
  }

  /** Adds what the conflict log lacks, with new ids, in the order of the snapshot. */
  int uniteConflicts() throws SQLException {
    try (Query query =
        new Query(
            connection,
            "INSERT INTO main.__marmot_conflict(time,"
                + CONFLICT
                + ") SELECT time,"
                + CONFLICT
                + " FROM "
                + DifferenceSql.SNAPSHOT
                + ".__marmot_conflict WHERE id IN (SELECT id FROM "
                + MISSING_CONFLICTS
                + ") ORDER BY id")) {
      return query.update();
    }
  }

  /** Whatever the file lacked, it has now. */
  void forgetMustInstall() throws SQLException {
    execute("DELETE FROM main.__marmot_meta WHERE key='" + Adoption.MUST_INSTALL + "'");
  }

  /** Replaces the rows of a bookkeeping table by the snapshot's. */
  void take(String table, String columns) throws SQLException {
    execute("DELETE FROM main." + table);
    execute(
        "INSERT INTO main.%1$s(%2$s) SELECT %2$s FROM %3$s.%1$s ORDER BY rowid"
            .formatted(table, columns, DifferenceSql.SNAPSHOT));
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private void drop() throws SQLException {
    for (TableDifference table : tables) {
      table.drop();
      table.close();
    }
    tables.clear();
    lacking.clear();
    execute("DROP TABLE IF EXISTS " + MISSING_CONFLICTS);
  }

  /** Forgets everything and lets the snapshot go; outside a transaction. */
  @Override
  public void close() throws SQLException {
    try (reading) {
      drop();
      execute("DETACH " + DifferenceSql.SNAPSHOT);
      execute("PRAGMA main.cache_size=-2000");
    }
  }
}
