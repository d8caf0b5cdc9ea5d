package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keeps the application's triggers from running inside an apply transaction: their effects arrive
 * as rows of their own. Confined to the applier thread.
 *
 * <p>They are dropped at the first write to their table and re-created from their own text before
 * the commit, in the same order, and the schema cookie is put back: applications do not even parse
 * the schema again, and a crash rolls it all back (sqlite.md 1e). A WHEN guard would not do: a
 * trigger that calls a function of the application fails when it is prepared.
 */
final class TriggerSuspension {
  private final Connection connection;
  private final Set<String> tables = new HashSet<>();
  private final List<Trigger> dropped = new ArrayList<>();

  TriggerSuspension(Connection connection) {
    this.connection = connection;
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
    Set<String> suspended = new HashSet<>();
    for (UserTrigger trigger : table.userTriggers()) {
      if (!trigger.runsOnReplicas()) {
        suspended.add(Sql.fold(trigger.name()));
      }
    }
    for (Trigger trigger : triggers(table)) {
      boolean kept = !suspended.contains(Sql.fold(trigger.name()));
      // From the first dropped one on, all are made anew at the end: SQLite fires triggers by their
      // order in the schema.
      if (!kept || dropped.stream().anyMatch(t -> t.table().equals(table.name()))) {
        dropped.add(new Trigger(trigger.table(), trigger.name(), trigger.sql(), kept));
      }
      if (!kept) {
        execute("DROP TRIGGER main." + Sql.quote(trigger.name()));
      }
    }
  }

  private List<Trigger> triggers(TableSchema table) throws SQLException {
    List<Trigger> triggers = new ArrayList<>();
    try (Query query =
        new Query(
            connection,
            "SELECT name, sql FROM main.sqlite_master WHERE type='trigger'"
                + " AND tbl_name=? COLLATE NOCASE AND substr(name,1,9)<>'"
                + Sql.OWN_PREFIX
                + "' ORDER BY rowid")) {
      query
          .bind(1, table.name())
          .forEach(row -> triggers.add(new Trigger(table.name(), row.text(0), row.text(1), true)));
    }
    return triggers;
  }

  /** Puts all back, with the schema cookie that the transaction found. */
  void restore(long schemaVersion) throws SQLException {
    if (dropped.isEmpty()) {
      return;
    }
    for (Trigger trigger : dropped) {
      if (trigger.kept()) {
        execute("DROP TRIGGER main." + Sql.quote(trigger.name()));
      }
    }
    for (Trigger trigger : dropped) {
      execute(trigger.sql());
    }
    execute("PRAGMA main.schema_version = " + schemaVersion);
    reset();
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private record Trigger(String table, String name, String sql, boolean kept) {}
}
