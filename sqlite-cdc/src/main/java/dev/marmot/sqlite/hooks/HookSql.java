package dev.marmot.sqlite.hooks;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The text of a table's hooks. Pure.
 *
 * <p>The triggers {@code _i}, {@code _u} and {@code _d} log keys and name no other column, so they
 * survive the application's ALTER TABLE. SQLite fires no delete trigger for a row that REPLACE
 * displaces, so for each way in which that can happen, a BEFORE trigger ({@code _q..}, {@code _r.})
 * <em>notes</em> the keys that could go, and an AFTER trigger ({@code _n.}) logs those that are
 * really gone without having been logged. A note alone says nothing: an INSERT OR IGNORE leaves it
 * behind, and logging it would re-send a row that nobody changed over other nodes' newer writes.
 */
public final class HookSql {
  static final String LOG = "__marmot_change_log";

  /** Added to a table's number in the change log: Marmot sends the row, no application wrote it. */
  public static final long RESENT = 1L << 40;

  static final String GUARD = "__marmot_guard";
  static final String NOTE = "__marmot_note";
  private static final String ROW = "__marmot_row";

  /** How many notes a table keeps that triggers write in the middle of other writes. */
  private static final int MOST_NOTES = 64;

  /**
   * The triggers that log keys ask nothing: a look at the guard would be a quarter of their cost
   * for the application. An apply deletes what it logs before it commits.
   */
  private static final String ALWAYS = "";

  private static final String UNGUARDED = "WHEN NOT EXISTS(SELECT 1 FROM " + GUARD + ")";
  private static final String NOTED = "WHEN EXISTS(SELECT 1 FROM " + NOTE + ")";

  private final TableSchema table;
  private final List<KeyPart> key;
  private final String columns;

  /** A query over a table called "new" or "old" would take NEW and OLD for that table. */
  private final boolean hidesRow;

  private final Map<String, String> hooks = new LinkedHashMap<>();

  private HookSql(TableSchema table) {
    this.table = table;
    this.key = keyParts(table);
    this.hidesRow = Set.of("new", "old").contains(Sql.fold(table.name()));
    this.columns =
        IntStream.range(0, key.size()).mapToObj(i -> ",k" + i).collect(Collectors.joining());
  }

  /** The hooks by name, each a CREATE statement, in the order in which to create them. */
  public static Map<String, String> of(TableSchema table) {
    HookSql sql = new HookSql(table);
    sql.keyHooks();
    if (table.keyKind() == KeyKind.ROWID) {
      sql.keepIndex();
    }
    for (int i = 0; i < table.uniqueIndexes().size(); i++) {
      sql.uniqueProbes(i, table.uniqueIndexes().get(i));
    }
    if (table.keyKind() == KeyKind.DECLARED && table.rowidName().isPresent()) {
      sql.rowidProbes(Sql.rowid(table.rowidName().get()));
    }
    if (sql.hooks.keySet().stream().anyMatch(name -> name.contains("_q") || name.contains("_r"))) {
      sql.noteHooks();
    }
    return sql.hooks;
  }

  /** Logs the key of every row of the table. */
  static String logAllKeys(TableSchema table) {
    HookSql sql = new HookSql(table);
    return "INSERT INTO %s(tbl%s) SELECT %d%s FROM %s"
        .formatted(LOG, sql.columns, RESENT + table.id(), sql.key(""), sql.quotedTable());
  }

  /** Number of key columns that the change log needs for this table. */
  static int keySize(TableSchema table) {
    return Math.max(1, table.key().size());
  }

  /** Names of the triggers that log keys, in the order insert, update, delete. */
  static List<String> keyHookNames(long id) {
    return List.of(name(id, "i"), name(id, "u"), name(id, "d"));
  }

  private void keyHooks() {
    trigger("i", "AFTER INSERT", ALWAYS, List.of(logKey(-table.id(), "NEW.")));
    String moved =
        "INSERT INTO %s(tbl%s) SELECT %d%s WHERE %s"
            .formatted(LOG, columns, table.id(), key("OLD."), differs("OLD.", "NEW."));
    trigger("u", "AFTER UPDATE", ALWAYS, List.of(logKey(table.id(), "NEW."), moved));
    trigger("d", "AFTER DELETE", ALWAYS, List.of(logKey(table.id(), "OLD.")));
  }

  /** VACUUM renumbers the rows of a key-less table unless it has an index; an empty one will do. */
  private void keepIndex() {
    String name = name(table.id(), "keep");
    hooks.put(name, "CREATE INDEX %s ON %s((1)) WHERE 0".formatted(Sql.quote(name), quotedTable()));
  }

  private void uniqueProbes(int number, UniqueIndex index) {
    String collides =
        index.terms().stream().map(t -> equalsNew(t, index)).collect(Collectors.joining(" AND "))
            + index.where().map(where -> " AND (" + where + ")").orElse("");
    List<String> given =
        Stream.concat(
                index.columns().stream(), index.computed().stream().map(UniqueIndex.Computed::name))
            .map(Sql::quote)
            .toList();
    trigger(
        "q" + number + "i", "BEFORE INSERT", UNGUARDED, List.of(note(collides, given, List.of())));
    List<String> old = key.stream().map(KeyPart::sql).toList();
    trigger(
        "q" + number + "u",
        "BEFORE UPDATE" + updateOf(index),
        UNGUARDED,
        List.of(note(collides + " AND (" + isAnother() + ")", given, old)));
  }

  /**
   * With an expression, a condition or a generated column, the change of another column can make
   * rows collide, so no list of columns is safe.
   */
  private String updateOf(UniqueIndex index) {
    boolean plain =
        index.where().isEmpty()
            && index.terms().stream().allMatch(term -> !term.expression() && stored(term.sql()));
    return plain
        ? index.terms().stream()
            .map(term -> Sql.quote(term.sql()))
            .distinct()
            .collect(Collectors.joining(",", " OF ", ""))
        : "";
  }

  private boolean stored(String column) {
    return table.columns().contains(column)
        || table.key().stream().anyMatch(k -> k.name().equals(column));
  }

  private String equalsNew(UniqueIndex.Term term, UniqueIndex index) {
    if (!term.expression()) {
      String column = Sql.quote(term.sql());
      return "(%s COLLATE %s)=%s".formatted(column, term.collation(), row("NEW.", column));
    }
    // The same text over the new row's values; on its left side the planner sees the index's term.
    // The expression may fail for rows that the condition of a partial index leaves out.
    String newRow =
        Stream.concat(
                index.columns().stream(), index.computed().stream().map(UniqueIndex.Computed::name))
            .map(c -> row("NEW.", Sql.quote(c)) + " AS " + Sql.quote(c))
            .collect(Collectors.joining(","));
    return "((%s) COLLATE %s)=(SELECT (%s) FROM (SELECT %s) AS %s%s)"
        .formatted(
            term.sql(),
            term.collation(),
            term.sql(),
            newRow.isEmpty() ? "1" : newRow,
            quotedTable(),
            index.where().map(where -> " WHERE (" + where + ")").orElse(""));
  }

  /** An explicit rowid displaces too where the rowid is not the key; it seldom is explicit. */
  private void rowidProbes(String rowid) {
    String collides = stored() + rowid + "=" + row("NEW.", rowid);
    List<String> given = List.of(rowid);
    String when = "WHEN %s AND NOT EXISTS(SELECT 1 FROM " + GUARD + ")";
    trigger(
        "ri",
        "BEFORE INSERT",
        when.formatted(
            "EXISTS(SELECT 1 FROM %s WHERE %s)".formatted(source(given, List.of()), collides)),
        List.of(note(collides, given, List.of())));
    trigger(
        "ru",
        "BEFORE UPDATE",
        when.formatted("NEW.%s IS NOT OLD.%s".formatted(rowid, rowid)),
        List.of(note(collides, given, List.of())));
  }

  /**
   * Notes are told apart by table: a user trigger may write another table between note and check.
   */
  private void noteHooks() {
    String logGone =
        "INSERT INTO %s(tbl%s) SELECT n.tbl%s FROM %s AS n WHERE n.tbl=%d AND %s"
            .formatted(LOG, columns, columns.replace(",k", ",n.k"), NOTE, table.id(), gone("n"));
    String forget = "DELETE FROM %s WHERE tbl=%d".formatted(NOTE, table.id());
    if (table.nested()) {
      forget += " AND (%s OR %s)".formatted(gone(NOTE), older());
    }
    trigger("ni", "AFTER INSERT", NOTED, List.of(logGone, forget));
    trigger("nu", "AFTER UPDATE", NOTED, List.of(forgetOld(), logGone, forget));
    trigger("nd", "AFTER DELETE", NOTED, List.of(forgetOld()));
  }

  /**
   * Where a trigger writes the table while another write of it is under way, the notes of the outer
   * write must outlive the inner one. Those of no-ops outlive it too then, so the number is
   * bounded.
   */
  private static String older() {
    return "rowid<=(SELECT max(rowid) FROM %s)-%d".formatted(NOTE, MOST_NOTES);
  }

  private String gone(String note) {
    String same =
        IntStream.range(0, key.size())
            .mapToObj(i -> "(t.%s%s) IS %s.k%d".formatted(key.get(i).sql(), collate(i), note, i))
            .collect(Collectors.joining(" AND "));
    return "NOT EXISTS(SELECT 1 FROM %s AS t WHERE %s)".formatted(quotedTable(), same);
  }

  /**
   * The key triggers log what is deleted or moved away themselves. Its note, which a no-op may have
   * left, would log it once more, perhaps in a later change set.
   */
  private String forgetOld() {
    String old =
        IntStream.range(0, key.size())
            .mapToObj(i -> "(OLD.%s%s) IS k%d".formatted(key.get(i).sql(), collate(i), i))
            .collect(Collectors.joining(" AND "));
    return "DELETE FROM %s WHERE tbl=%d AND %s".formatted(NOTE, table.id(), old);
  }

  private void trigger(String suffix, String event, String when, List<String> body) {
    String name = name(table.id(), suffix);
    hooks.put(
        name,
        "CREATE TRIGGER %s %s ON %s%s BEGIN %s; END"
            .formatted(
                Sql.quote(name),
                event,
                quotedTable(),
                when.isEmpty() ? "" : " " + when,
                String.join("; ", body)));
  }

  /** An inserted row is logged under the negative of the table's number. */
  private String logKey(long number, String row) {
    return "INSERT INTO %s(tbl%s) VALUES(%d%s)".formatted(LOG, columns, number, key(row));
  }

  private String note(String condition, List<String> given, List<String> old) {
    return "INSERT INTO %s(tbl%s) SELECT %d%s FROM %s WHERE %s"
        .formatted(NOTE, columns, table.id(), key(stored()), source(given, old), condition);
  }

  /** The table; where it hides the trigger's row, beside a row with what is asked of that one. */
  private String source(List<String> given, List<String> old) {
    if (!hidesRow) {
      return quotedTable();
    }
    String values =
        Stream.concat(
                given.stream().map(column -> hidden("NEW.", column)),
                old.stream().map(column -> hidden("OLD.", column)))
            .distinct()
            .collect(Collectors.joining(","));
    return "(SELECT %s) AS %s CROSS JOIN %s"
        .formatted(values.isEmpty() ? "1" : values, ROW, quotedTable());
  }

  private static String hidden(String row, String column) {
    return row + column + " AS " + hiddenName(row, column);
  }

  private static String hiddenName(String row, String column) {
    String plain = column.startsWith("\"") ? column.substring(1, column.length() - 1) : column;
    return "\"" + ROW + "_" + row + plain + "\"";
  }

  /** A value of the trigger's row, in a query over the table. */
  private String row(String row, String column) {
    return hidesRow ? ROW + "." + hiddenName(row, column) : row + column;
  }

  /** What qualifies a stored row's columns in such a query. */
  private String stored() {
    return hidesRow ? quotedTable() + "." : "";
  }

  /** The stored row is not the one that is updated. */
  private String isAnother() {
    return join(
        " OR ",
        part ->
            "%s%s%s IS NOT %s"
                .formatted(stored(), part.sql(), part.collate(), row("OLD.", part.sql())));
  }

  private String key(String row) {
    return join("", part -> "," + row + part.sql());
  }

  private String differs(String left, String right) {
    return join(
        " OR ",
        part ->
            "%s%s%s IS NOT %s%s".formatted(left, part.sql(), part.collate(), right, part.sql()));
  }

  private String join(String separator, Function<KeyPart, String> text) {
    return key.stream().map(text).collect(Collectors.joining(separator));
  }

  private String collate(int i) {
    return key.get(i).collate();
  }

  private String quotedTable() {
    return Sql.quote(table.name());
  }

  private static String name(long id, String suffix) {
    return Sql.OWN_PREFIX + id + "_" + suffix;
  }

  private static List<KeyPart> keyParts(TableSchema table) {
    if (table.keyKind() == KeyKind.ROWID || table.keyKind() == KeyKind.ROWID_ALIAS) {
      return List.of(new KeyPart(Sql.rowid(table.rowidName().orElseThrow()), ""));
    }
    List<KeyPart> parts = new ArrayList<>();
    for (KeyColumn column : table.key()) {
      parts.add(new KeyPart(Sql.quote(column.name()), " COLLATE " + column.collation()));
    }
    return parts;
  }

  /**
   * A key column in SQL. The column's own collation may be another than that of the key's index.
   */
  private record KeyPart(String sql, String collate) {}
}
