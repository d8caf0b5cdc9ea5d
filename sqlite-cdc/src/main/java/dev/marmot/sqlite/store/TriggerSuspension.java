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
 * as rows of their own. Confined to the applier thread, {@link #damagedIndexes} excepted.
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
  private final Map<String, Instant> damagedIndexes = new ConcurrentHashMap<>();

  TriggerSuspension(Connection connection, InstantSource clock) {
    this.connection = connection;
    this.clock = clock;
  }

  /** Tables that were last written past their damaged search index, and when. Thread-safe. */
  Map<String, Instant> damagedIndexes() {
    return Map.copyOf(damagedIndexes);
  }

  /** Nothing is suspended any more: the transaction is over. */
  void reset() {
    tables.clear();
    dropped.clear();
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
   * A search index that the triggers of the table keep is damaged: drops these too, until the end
   * of the transaction, so that the rows go on without it. The next transaction tries anew.
   */
  void suspendIndexing(TableSchema table) throws SQLException {
    for (UserTrigger trigger : table.userTriggers()) {
      if (trigger.runsOnReplicas()) {
        drop(trigger);
      }
    }
    if (damagedIndexes.put(table.name(), clock.instant()) == null) {
      log.atWarn().addKeyValue("table", table.name()).log("search index damaged, going on past it");
    }
  }

  private void drop(UserTrigger trigger) throws SQLException {
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
    if (dropped.isEmpty()) {
      return;
    }
    dropped.sort(Comparator.comparing(Trigger::place));
    execute("PRAGMA writable_schema=ON");
    try {
      for (Trigger trigger : dropped) {
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
    execute("PRAGMA main.schema_version = " + schemaVersion);
    reset();
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** A trigger's rowid in the schema table, and its text. */
  private record Trigger(long place, String sql) {}
}
