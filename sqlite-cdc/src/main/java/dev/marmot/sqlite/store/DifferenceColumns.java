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
 * How the columns of a live table, of the snapshot's and of the TEMP table of their differences
 * belong together, in SQL. Immutable; pure text.
 *
 * <p>In all of it, m is the live table, s the snapshot's, d the TEMP table of differences: op is
 * what must happen, r the rowid in the snapshot, mr the rowid that the live row had, x.. its values
 * that the snapshot has no column for, k.. the key.
 */
final class DifferenceColumns {
  final TableSchema live;
  final TableSchema snapshot;
  final String difference;
  final List<String> liveKeys;
  final List<String> snapshotKeys;
  final List<String> common = new ArrayList<>();
  final List<String> liveOnly = new ArrayList<>();
  private final Map<String, String> snapshotNames = new HashMap<>();
  final boolean rowidKey;

  /**
   * For tables of which the live one has all columns of the snapshot's, and the same key.
   *
   * @param difference the TEMP table's name
   */
  DifferenceColumns(TableSchema live, TableSchema snapshot, String difference) {
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

  String snapshotName(String liveName) {
    return snapshotNames.getOrDefault(Sql.fold(liveName), liveName);
  }

  String liveTable() {
    return "main." + Sql.quote(live.name());
  }

  String snapshotTable() {
    return DifferenceSql.SNAPSHOT + "." + Sql.quote(snapshot.name());
  }

  static String column(String alias, String name) {
    return alias + "." + Sql.quote(name);
  }

  List<String> differenceKeys() {
    return IntStream.range(0, liveKeys.size()).mapToObj(i -> "k" + i).toList();
  }

  List<String> kept() {
    return IntStream.range(0, liveOnly.size()).mapToObj(i -> "x" + i).toList();
  }

  boolean hasRowids() {
    return live.keyKind() == KeyKind.DECLARED && snapshot.keyKind() == KeyKind.DECLARED;
  }

  String isKey(String alias, Parameters parameters) {
    List<String> terms = new ArrayList<>();
    for (int i = 0; i < liveKeys.size(); i++) {
      terms.add(alias + ".k" + i + "=" + parameters.at(i + 1));
    }
    return String.join(" AND ", terms);
  }

  String sourceJoin() {
    return snapshot.keyKind() == KeyKind.DECLARED
        ? column("s", snapshot.rowidName().orElseThrow()) + "=d.r"
        : keysEqual("s", snapshotKeys, "d", differenceKeys());
  }

  String snapshotRowid() {
    return snapshot.keyKind() == KeyKind.DECLARED
        ? column("s", snapshot.rowidName().orElseThrow())
        : "NULL";
  }

  static String columns(String alias, List<String> names) {
    return names.stream().map(name -> column(alias, name)).collect(Collectors.joining(", "));
  }

  private String collation(int key) {
    return Sql.quote(live.key().get(key).collation());
  }

  /** The looked-up column on the left, so that its index decides what is equal (sqlite.md 59). */
  String keysEqual(String left, List<String> names, String right, List<String> others) {
    List<String> terms = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String collate = live.keyKind() == KeyKind.ROWID ? "" : " COLLATE " + collation(i);
      terms.add(column(left, names.get(i)) + collate + "=" + column(right, others.get(i)));
    }
    return String.join(" AND ", terms);
  }

  String allEqual() {
    return keysEqual("m", liveKeys, "s", snapshotKeys) + " AND " + columnsEqual();
  }

  String columnsEqual() {
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
  String notNull(String alias, List<String> keys) {
    if (rowidKey || live.keyKind() == KeyKind.WITHOUT_ROWID) {
      return "";
    }
    return keys.stream()
        // The + keeps SQLite from walking through an index where it should walk through the table.
        .map(name -> " AND +" + column(alias, name) + " IS NOT NULL")
        .collect(Collectors.joining());
  }
}
