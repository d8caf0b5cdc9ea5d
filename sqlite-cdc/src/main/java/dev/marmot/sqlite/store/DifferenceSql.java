package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The statements that compare a table of the live file with the snapshot's and bring it in line.
 * Immutable; pure text.
 *
 * <p>In all of them, m is the live table, s the snapshot's, d the TEMP table of differences: op is
 * what must happen, r the rowid in the snapshot, mr the rowid that the live row had, x.. its values
 * that the snapshot has no column for, k.. the key.
 */
final class DifferenceSql {
  static final String SNAPSHOT = "__marmot_snapshot";
  static final int DELETE = 0;
  static final int CHANGE = 1;
  static final int INSERT = 2;

  private final TableSchema live;
  private final TableSchema snapshot;
  private final String difference;
  private final List<String> liveKeys;
  private final List<String> snapshotKeys;
  private final List<String> common = new ArrayList<>();
  private final List<String> liveOnly = new ArrayList<>();
  private final Map<String, String> snapshotNames = new HashMap<>();
  private final boolean rowidKey;

  /**
   * For tables of which the live one has all columns of the snapshot's, and the same key.
   *
   * @param difference the TEMP table's name
   */
  DifferenceSql(TableSchema live, TableSchema snapshot, String difference) {
    this.live = live;
    this.snapshot = snapshot;
    this.difference = "temp." + Sql.quote(difference);
    this.liveKeys = TableReader.keyNames(live);
    this.rowidKey = live.keyKind() == KeyKind.ROWID || live.keyKind() == KeyKind.ROWID_ALIAS;
    for (String name : snapshot.columns()) {
      snapshotNames.put(Sql.fold(name), name);
    }
    for (String name : TableReader.keyNames(snapshot)) {
      snapshotNames.put(Sql.fold(name), name);
    }
    this.snapshotKeys =
        live.keyKind() == KeyKind.ROWID
            ? TableReader.keyNames(snapshot)
            : liveKeys.stream().map(this::snapshotName).toList();
    for (String name : live.columns()) {
      (snapshotNames.containsKey(Sql.fold(name)) ? common : liveOnly).add(name);
    }
  }

  /** Whether the statements fit the two: the same key, and no column that only the donor has. */
  static boolean fits(TableSchema live, TableSchema snapshot) {
    return !Mapping.of(snapshot.shape(), live.shape()).problem().isPresent()
        && live.key().size() == snapshot.key().size()
        && (live.keyKind() == KeyKind.ROWID) == (snapshot.keyKind() == KeyKind.ROWID);
  }

  private String snapshotName(String liveName) {
    return snapshotNames.getOrDefault(Sql.fold(liveName), liveName);
  }

  private String liveTable() {
    return "main." + Sql.quote(live.name());
  }

  private String snapshotTable() {
    return SNAPSHOT + "." + Sql.quote(snapshot.name());
  }

  private static String column(String alias, String name) {
    return alias + "." + Sql.quote(name);
  }

  private List<String> differenceKeys() {
    return IntStream.range(0, liveKeys.size()).mapToObj(i -> "k" + i).toList();
  }

  private List<String> kept() {
    return IntStream.range(0, liveOnly.size()).mapToObj(i -> "x" + i).toList();
  }

  private boolean hasRowids() {
    return live.keyKind() == KeyKind.DECLARED && snapshot.keyKind() == KeyKind.DECLARED;
  }

  /** The TEMP table; its key has the live key's collations. */
  String create() {
    String kept = kept().stream().map(name -> ", " + name).collect(Collectors.joining());
    if (rowidKey) {
      return "CREATE TABLE " + difference + "(k0 INTEGER PRIMARY KEY, op, r, mr" + kept + ")";
    }
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < liveKeys.size(); i++) {
      keys.add("k" + i + " COLLATE " + Sql.quote(live.key().get(i).collation()));
    }
    return "CREATE TABLE "
        + difference
        + "("
        + String.join(", ", keys)
        + ", op, r, mr"
        + kept
        + ", PRIMARY KEY("
        + String.join(", ", differenceKeys())
        + ")) WITHOUT ROWID";
  }

  String drop() {
    return "DROP TABLE IF EXISTS " + difference;
  }

  /** Notes what the snapshot has and the live table has not, or not so. */
  String noteChanged() {
    String same = "EXISTS(SELECT 1 FROM " + liveTable() + " AS m WHERE " + allEqual() + ")";
    if (hasRowids()) {
      // Rows that stand under the same rowid are found without the key's index.
      same =
          "EXISTS(SELECT 1 FROM "
              + liveTable()
              + " AS m WHERE "
              + column("m", live.rowidName().orElseThrow())
              + "="
              + column("s", snapshot.rowidName().orElseThrow())
              + " AND "
              + columnsEqual()
              + ") OR "
              + same;
    }
    return "INSERT OR REPLACE INTO "
        + difference
        + "(op, r, "
        + String.join(", ", differenceKeys())
        + ") SELECT CASE WHEN EXISTS(SELECT 1 FROM "
        + liveTable()
        + " AS m WHERE "
        + keysEqual("m", liveKeys, "s", snapshotKeys)
        + ") THEN "
        + CHANGE
        + " ELSE "
        + INSERT
        + " END, "
        + snapshotRowid()
        + ", "
        + columns("s", snapshotKeys)
        + " FROM "
        + snapshotTable()
        + " AS s WHERE NOT ("
        + same
        + ")"
        + notNull("s", snapshotKeys);
  }

  /** Notes what the live table has and the snapshot has not. */
  String noteExtra() {
    String there =
        "EXISTS(SELECT 1 FROM "
            + snapshotTable()
            + " AS s WHERE "
            + keysEqual("s", snapshotKeys, "m", liveKeys)
            + ")";
    if (hasRowids()) {
      there =
          "EXISTS(SELECT 1 FROM "
              + snapshotTable()
              + " AS s WHERE "
              + column("s", snapshot.rowidName().orElseThrow())
              + "="
              + column("m", live.rowidName().orElseThrow())
              + " AND "
              + keysEqual("s", snapshotKeys, "m", liveKeys)
              + ") OR "
              + there;
    }
    return "INSERT OR IGNORE INTO "
        + difference
        + "(op, "
        + String.join(", ", differenceKeys())
        + ") SELECT "
        + DELETE
        + ", "
        + columns("m", liveKeys)
        + " FROM "
        + liveTable()
        + " AS m WHERE NOT ("
        + there
        + ")"
        + notNull("m", liveKeys);
  }

  String countLive() {
    return count(liveTable(), liveKeys);
  }

  String countSnapshot() {
    return count(snapshotTable(), snapshotKeys);
  }

  private String count(String table, List<String> keys) {
    return "SELECT count(*) FROM " + table + " AS t WHERE 1" + notNull("t", keys);
  }

  String count(String condition) {
    return "SELECT count(*) FROM " + difference + " WHERE " + condition;
  }

  /** The difference of one key is none any more. */
  String forget(Parameters parameters) {
    return "DELETE FROM " + difference + " AS d WHERE " + isKey("d", parameters);
  }

  private String isKey(String alias, Parameters parameters) {
    List<String> terms = new ArrayList<>();
    for (int i = 0; i < liveKeys.size(); i++) {
      terms.add(alias + ".k" + i + "=" + parameters.at(i + 1));
    }
    return String.join(" AND ", terms);
  }

  /** Keeps what a row that is about to be replaced has and the snapshot does not give. */
  String keepOld() {
    List<String> targets = new ArrayList<>(kept());
    List<String> values = new ArrayList<>(liveOnly.stream().map(c -> column("m", c)).toList());
    if (live.keyKind() == KeyKind.DECLARED) {
      targets.add("mr");
      values.add(column("m", live.rowidName().orElseThrow()));
    }
    if (targets.isEmpty()) {
      return "";
    }
    return "UPDATE "
        + difference
        + " AS d SET ("
        + String.join(", ", targets)
        + ")=(SELECT "
        + String.join(", ", values)
        + " FROM "
        + liveTable()
        + " AS m WHERE "
        + keysEqual("m", liveKeys, "d", differenceKeys())
        + ") WHERE d.op="
        + CHANGE;
  }

  /**
   * Deletes the live rows of some differences; empty for WITHOUT ROWID tables, which SQLite would
   * read from end to end for it: their rows are deleted one by one.
   */
  String delete(String condition) {
    if (rowidKey) {
      return "DELETE FROM "
          + liveTable()
          + " WHERE "
          + Sql.rowid(liveKeys.get(0))
          + " IN (SELECT d.k0 FROM "
          + difference
          + " AS d WHERE "
          + condition
          + ")";
    }
    if (live.keyKind() == KeyKind.DECLARED) {
      String rowid = live.rowidName().orElseThrow();
      return "DELETE FROM "
          + liveTable()
          + " WHERE "
          + Sql.rowid(rowid)
          + " IN (SELECT "
          + column("m", rowid)
          + " FROM "
          + difference
          + " AS d CROSS JOIN "
          + liveTable()
          + " AS m ON "
          + keysEqual("m", liveKeys, "d", differenceKeys())
          + " WHERE "
          + condition
          + ")";
    }
    return "";
  }

  /** Writes the snapshot's rows over the live ones. */
  String upsert(String condition) {
    List<String> set = new ArrayList<>(common);
    if (!rowidKey) {
      set.addAll(liveKeys);
    }
    String update =
        set.isEmpty()
            ? "NOTHING"
            : "UPDATE SET "
                + set.stream()
                    .map(c -> Sql.quote(c) + "=excluded." + Sql.quote(c))
                    .collect(Collectors.joining(", "));
    return insert(condition, List.of(), List.of())
        + " ON CONFLICT("
        + liveKeys.stream().map(Sql::quote).collect(Collectors.joining(", "))
        + ") DO "
        + update;
  }

  /** Inserts the snapshot's rows where the live ones are gone. */
  String insertNew(String condition) {
    return insert(condition, List.of(), List.of());
  }

  /** Inserts the snapshot's rows with what {@link #keepOld} kept. */
  String insertChanged(String condition) {
    List<String> names = new ArrayList<>(liveOnly);
    List<String> values = new ArrayList<>(kept());
    if (live.keyKind() == KeyKind.DECLARED) {
      names.add(live.rowidName().orElseThrow());
      values.add("mr");
    }
    return insert(condition, names, values);
  }

  private String insert(String condition, List<String> names, List<String> values) {
    List<String> targets = new ArrayList<>(liveKeys);
    targets.addAll(common);
    targets.addAll(names);
    List<String> sources = new ArrayList<>(List.of(columns("s", snapshotKeys)));
    common.forEach(name -> sources.add(column("s", snapshotName(name))));
    values.forEach(name -> sources.add("d." + name));
    return "INSERT OR ABORT INTO "
        + liveTable()
        + "("
        + targets.stream().map(Sql::quote).collect(Collectors.joining(", "))
        + ") SELECT "
        + String.join(", ", sources)
        + " FROM "
        + difference
        + " AS d CROSS JOIN "
        + snapshotTable()
        + " AS s ON "
        + sourceJoin()
        + " WHERE "
        + condition;
  }

  /** Keys of some differences. */
  String keys(String condition) {
    return "SELECT "
        + columns("d", differenceKeys())
        + " FROM "
        + difference
        + " AS d WHERE "
        + condition;
  }

  /** The condition for one key, for the statements above. */
  String one(Parameters parameters) {
    return isKey("d", parameters);
  }

  private String sourceJoin() {
    return snapshot.keyKind() == KeyKind.DECLARED
        ? column("s", snapshot.rowidName().orElseThrow()) + "=d.r"
        : keysEqual("s", snapshotKeys, "d", differenceKeys());
  }

  private String snapshotRowid() {
    return snapshot.keyKind() == KeyKind.DECLARED
        ? column("s", snapshot.rowidName().orElseThrow())
        : "NULL";
  }

  private static String columns(String alias, List<String> names) {
    return names.stream().map(name -> column(alias, name)).collect(Collectors.joining(", "));
  }

  private String collation(int key) {
    return Sql.quote(live.key().get(key).collation());
  }

  /** The looked-up column on the left, so that its index decides what is equal (sqlite.md 59). */
  private String keysEqual(String left, List<String> names, String right, List<String> others) {
    List<String> terms = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String collate = live.keyKind() == KeyKind.ROWID ? "" : " COLLATE " + collation(i);
      terms.add(column(left, names.get(i)) + collate + "=" + column(right, others.get(i)));
    }
    return String.join(" AND ", terms);
  }

  private String allEqual() {
    return keysEqual("m", liveKeys, "s", snapshotKeys) + " AND " + columnsEqual();
  }

  private String columnsEqual() {
    List<String> terms = new ArrayList<>();
    for (int i = 0; i < liveKeys.size(); i++) {
      if (!rowidKey) {
        terms.add(identical(liveKeys.get(i), snapshotKeys.get(i)));
      }
    }
    common.forEach(name -> terms.add(identical(name, snapshotName(name))));
    return terms.isEmpty() ? "1" : balanced(terms);
  }

  /**
   * The same storage class and the same bits. The operator + takes away the columns' affinities;
   * atan2 tells -0.0 from 0.0, which compare as equal.
   */
  private static String identical(String liveName, String snapshotName) {
    String m = column("m", liveName);
    String s = column("s", snapshotName);
    return "(+%1$s COLLATE BINARY IS +%2$s AND typeof(%1$s)=typeof(%2$s) AND (+%1$s IS NOT 0 OR typeof(%1$s)<>'real' OR atan2(0.0,%1$s)=atan2(0.0,%2$s)))"
        .formatted(m, s);
  }

  /** SQLite bounds the depth of an expression, and tables have thousands of columns. */
  private static String balanced(List<String> terms) {
    if (terms.size() == 1) {
      return terms.get(0);
    }
    int half = terms.size() / 2;
    return "("
        + balanced(terms.subList(0, half))
        + " AND "
        + balanced(terms.subList(half, terms.size()))
        + ")";
  }

  /** A key with a NULL identifies no row. */
  private String notNull(String alias, List<String> keys) {
    if (rowidKey || live.keyKind() == KeyKind.WITHOUT_ROWID) {
      return "";
    }
    return keys.stream()
        // The + keeps SQLite from walking through an index where it should walk through the table.
        .map(name -> " AND +" + column(alias, name) + " IS NOT NULL")
        .collect(Collectors.joining());
  }
}
