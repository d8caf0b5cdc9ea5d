package dev.marmot.sqlite.store;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * How one table of the live file differs from the snapshot's: keys in a TEMP table, so that memory
 * is bounded. Confined to the applier thread.
 */
final class TableDifference implements AutoCloseable {
  private static final String SEVERAL = "d.op>" + DifferenceSql.DELETE;

  private final Connection connection;
  private final TableSchema live;
  private final TableSchema snapshot;
  private final boolean replaces;
  private final TriggerSuspension triggers;
  private final DifferenceSql sql;
  private final ReplacementSql replacement;
  private final CastQuery forget;

  /**
   * For tables that fit each other.
   *
   * @param number tells the TEMP tables of one comparison apart
   */
  TableDifference(
      Connection connection,
      TableWriter live,
      TableSchema snapshot,
      TriggerSuspension triggers,
      int number) {
    this.connection = connection;
    this.live = live.schema();
    this.snapshot = snapshot;
    this.replaces = live.replacesRows();
    this.triggers = triggers;
    DifferenceColumns both =
        new DifferenceColumns(live.schema(), snapshot, "__marmot_difference" + number);
    this.sql = new DifferenceSql(both);
    this.replacement = new ReplacementSql(both);
    this.forget = new CastQuery(connection, sql::forget);
  }

  TableSchema live() {
    return live;
  }

  TableSchema snapshot() {
    return snapshot;
  }

  /** Compares; in a read transaction. */
  void find() throws SQLException {
    execute(sql.drop());
    execute(sql.create());
    execute(sql.noteChanged());
    long missing = number(sql.count("op=" + DifferenceSql.INSERT));
    if (number(sql.countLive()) != number(sql.countSnapshot()) - missing) {
      execute(sql.noteExtra());
    }
  }

  /** The row under this key stays as it is. */
  void forget(List<SqliteValue> key) throws SQLException {
    forget.bind(key).update();
  }

  /** Removes the live row under this key and whatever was to be done with it. */
  void remove(List<SqliteValue> key, TableWriter table) throws SQLException {
    table.delete(new RowImage(live.shape(), key, List.of(), true, false, 0));
    forget.bind(key).update();
  }

  /**
   * Does what is noted. Where SQLite refuses a row, its neighbours are written one by one, and the
   * caller is told its key and why.
   */
  void apply(Refused refused) throws SQLException {
    if (replaces) {
      String keep = replacement.keepOld();
      if (!keep.isEmpty()) {
        execute(keep);
      }
      delete("d.op<" + DifferenceSql.INSERT);
      // Rows with a rowid of their own first: a new row could take it (sqlite.md 45c).
      write("d.op=" + DifferenceSql.CHANGE, replacement::insertChanged, refused);
      write("d.op=" + DifferenceSql.INSERT, replacement::insertNew, refused);
    } else {
      delete("d.op=" + DifferenceSql.DELETE);
      write(SEVERAL, replacement::upsert, refused);
    }
  }

  private void delete(String condition) throws SQLException {
    String all = replacement.delete(condition);
    if (!all.isEmpty()) {
      change(() -> execute(all));
      return;
    }
    int arity = TableReader.keyArity(live);
    try (Query keys = new Query(connection, sql.keys(condition));
        CastQuery one =
            new CastQuery(
                connection,
                p ->
                    "DELETE FROM main."
                        + Sql.quote(live.name())
                        + " WHERE "
                        + TableReader.keyCondition(live, p))) {
      keys.forEach(
          row -> {
            List<SqliteValue> key = row.values(0, arity);
            change(() -> one.bind(key).update());
          });
    }
  }

  private void write(String condition, Text text, Refused refused) throws SQLException {
    try {
      change(() -> execute(text.where(condition)));
      return;
    } catch (SQLException e) {
      if (!Refusal.refusesRow(e)) {
        throw e;
      }
    }
    int arity = TableReader.keyArity(live);
    try (Query keys = new Query(connection, sql.keys(condition));
        CastQuery one =
            new CastQuery(connection, p -> text.where(condition + " AND " + sql.one(p)))) {
      keys.forEach(
          row -> {
            List<SqliteValue> key = row.values(0, arity);
            try {
              change(() -> one.bind(key).update());
            } catch (SQLException e) {
              if (!Refusal.refusesRow(e)) {
                throw e;
              }
              refused.row(key, Refusal.reason(e));
            }
          });
    }
  }

  private void change(Change change) throws SQLException {
    var unused =
        triggers.write(
            live,
            () -> {
              change.run();
              return 1;
            });
  }

  /** Removes the TEMP table. */
  void drop() throws SQLException {
    execute(sql.drop());
  }

  private void execute(String text) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(text);
    }
  }

  private long number(String text) throws SQLException {
    return SqliteSnapshot.number(connection, text);
  }

  @Override
  public void close() throws SQLException {
    forget.close();
  }

  private interface Change {
    void run() throws SQLException;
  }

  private interface Text {
    String where(String condition);
  }

  /** Is told of a row of the snapshot that SQLite does not take. */
  interface Refused {
    void row(List<SqliteValue> key, String reason) throws SQLException;
  }
}
