package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the application's triggers from running inside an apply transaction: their effects arrive
 * as rows of their own. Confined to the applier thread, {@link #passedIndexes} excepted.
 *
 * <p>They are dropped at the first write to their table and re-created from their own text before
 * the commit, each in its place in the schema table, because SQLite fires triggers in that order,
 * ours among them. The schema cookie is put back: applications do not even parse the schema again,
 * and a crash rolls it all back (sqlite.md 1e). A WHEN guard would not do: a trigger that calls a
 * function of the application fails when it is prepared.
 */
final class TriggerSuspension {
  private static final Logger log = LoggerFactory.getLogger(TriggerSuspension.class);

  private final Connection connection;
  private final InstantSource clock;
  private final Set<String> tables = new HashSet<>();
  private final List<Trigger> dropped = new ArrayList<>();
  private final Set<String> pastIndex = new HashSet<>();
  private final Map<String, Passed> passedIndexes = new ConcurrentHashMap<>();
  private boolean changed;

  TriggerSuspension(Connection connection, InstantSource clock) {
    this.connection = connection;
    this.clock = clock;
  }

  /** Tables that were last written past their search index, when, and why. Thread-safe. */
  Map<String, Passed> passedIndexes() {
    return Map.copyOf(passedIndexes);
  }

  /** Nothing is suspended any more: the transaction is over. */
  void reset() {
    tables.clear();
    dropped.clear();
    pastIndex.clear();
    changed = false;
  }

  /** Drops the triggers of the table that must not run here, once per transaction. */
  void suspend(TableSchema table) throws SQLException {
    if (table.userTriggers().stream().allMatch(UserTrigger::runsOnReplicas)
        || !tables.add(table.name())) {
      return;
    }
    for (UserTrigger trigger : table.userTriggers()) {
      if (!trigger.runsOnReplicas()) {
        drop(trigger);
      }
    }
  }

  /**
   * Writes a row of the table. An index that triggers of the table keep is derived from the rows
   * and decides nothing about them: where it refuses a row, for whatever reason, the row is written
   * past it. What SQLite refuses without those triggers too, it refuses for the row's own sake.
   */
  int write(TableSchema table, RowWrite write) throws SQLException {
    try {
      return write.run();
    } catch (SQLException e) {
      boolean lasting = Refusal.isDamagedIndex(e) || Refusal.isStatementFault(e);
      if (!(lasting || Refusal.refusesRow(e)) || !keepsIndex(table)) {
        throw e;
      }
      return pastIndex(table, write, e, lasting);
    }
  }

  private boolean keepsIndex(TableSchema table) {
    return !pastIndex.contains(table.name())
        && table.userTriggers().stream().anyMatch(UserTrigger::runsOnReplicas);
  }

  /**
   * @param lasting the next row would meet the same fault: the triggers stay away until the end of
   *     the transaction; the next transaction tries anew
   */
  private int pastIndex(TableSchema table, RowWrite write, SQLException refusal, boolean lasting)
      throws SQLException {
    List<UserTrigger> kept =
        table.userTriggers().stream().filter(UserTrigger::runsOnReplicas).toList();
    int before = dropped.size();
    for (UserTrigger trigger : kept) {
      drop(trigger);
    }
    boolean written = false;
    try {
      int rows = write.run();
      written = true;
      return rows;
    } finally {
      if (written) {
        passed(table, refusal);
      }
      if (written && lasting) {
        pastIndex.add(table.name());
      } else {
        create(dropped.subList(before, dropped.size()));
      }
    }
  }

  private void passed(TableSchema table, SQLException refusal) {
    Passed passed = new Passed(clock.instant(), Refusal.reason(refusal));
    if (passedIndexes.put(table.name(), passed) == null) {
      log.atWarn()
          .addKeyValue("table", table.name())
          .addKeyValue("reason", passed.reason())
          .log("search index refuses rows, going on past it");
    }
  }

  private void drop(UserTrigger trigger) throws SQLException {
    changed = true;
    dropped.add(place(trigger));
    execute("DROP TRIGGER main." + Sql.quote(trigger.name()));
  }

  private Trigger place(UserTrigger trigger) throws SQLException {
    try (Query query =
        new Query(
            connection, "SELECT rowid FROM main.sqlite_master WHERE type='trigger' AND name=?")) {
      return new Trigger(query.bind(1, trigger.name()).number(0), trigger.sql());
    }
  }

  /** Puts all back, with the schema cookie that the transaction found. */
  void restore(long schemaVersion) throws SQLException {
    if (!changed) {
      return;
    }
    create(dropped);
    execute("PRAGMA main.schema_version = " + schemaVersion);
    reset();
  }

  /** Puts some back, each in its place. */
  private void create(List<Trigger> some) throws SQLException {
    if (some.isEmpty()) {
      return;
    }
    some.sort(Comparator.comparing(Trigger::place));
    execute("PRAGMA writable_schema=ON");
    try {
      for (Trigger trigger : some) {
        execute(trigger.sql());
        // A new object comes last, behind all places that are to be filled yet.
        execute(
            "UPDATE main.sqlite_master SET rowid="
                + trigger.place()
                + " WHERE rowid=(SELECT max(rowid) FROM main.sqlite_master)");
      }
    } finally {
      execute("PRAGMA writable_schema=OFF");
    }
    some.clear();
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** A trigger's rowid in the schema table, and its text. */
  private record Trigger(long place, String sql) {}

  /** When an index was last passed, and what SQLite said. Immutable. */
  record Passed(Instant time, String reason) {}

  /** Writes rows of a table; undone when it fails. */
  interface RowWrite {
    int run() throws SQLException;
  }
}
