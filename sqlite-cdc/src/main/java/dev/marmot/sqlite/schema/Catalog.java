package dev.marmot.sqlite.schema;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file's list of objects. Immutable.
 *
 * @param entries rows of sqlite_schema in rowid order
 * @param kinds by folded table name
 */
record Catalog(List<Entry> entries, Map<String, Kind> kinds) {
  private static final Pattern HOOK = Pattern.compile("__marmot_(\\d{1,18})_[iud]");

  Catalog {
    entries = List.copyOf(entries);
    kinds = Map.copyOf(kinds);
  }

  static Catalog read(Connection connection) throws SQLException {
    List<Entry> entries = new ArrayList<>();
    Map<String, Kind> kinds = new HashMap<>();
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT type,name,tbl_name,ifnull(sql,'') FROM main.sqlite_schema ORDER BY rowid")) {
        while (rows.next()) {
          entries.add(
              new Entry(
                  rows.getString(1), rows.getString(2), rows.getString(3), rows.getString(4)));
        }
      }
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT name,type,wr FROM pragma_table_list WHERE schema='main'")) {
        while (rows.next()) {
          kinds.put(Sql.fold(rows.getString(1)), new Kind(rows.getString(2), rows.getInt(3) != 0));
        }
      }
    }
    return new Catalog(entries, kinds);
  }

  /** Names of the application's tables of all kinds, in the order of the file. */
  List<String> userTables() {
    return entries.stream()
        .filter(e -> e.type().equals("table"))
        .map(Entry::name)
        .filter(name -> !Sql.isOwn(name) && !Sql.fold(name).startsWith("sqlite_"))
        .toList();
  }

  boolean virtual(String table) {
    return kind(table).type().equals("virtual");
  }

  boolean shadow(String table) {
    return kind(table).type().equals("shadow");
  }

  boolean withoutRowid(String table) {
    return kind(table).withoutRowid();
  }

  /** The application's triggers on the table, in firing order. */
  List<Entry> userTriggers(String table) {
    return entries.stream()
        .filter(e -> e.type().equals("trigger") && !Sql.isOwn(e.name()) && e.on(table))
        .toList();
  }

  Optional<String> indexSql(String index) {
    return entries.stream()
        .filter(e -> e.type().equals("index") && e.name().equalsIgnoreCase(index))
        .map(Entry::sql)
        .filter(sql -> !sql.isEmpty())
        .findFirst();
  }

  /**
   * The number in the names of our triggers on the table, 0 when it has none. Triggers follow a
   * renamed table and die with a dropped one, so they tell what the name alone cannot.
   */
  long hookId(String table) {
    return entries.stream()
        .filter(e -> e.type().equals("trigger") && e.on(table))
        .map(e -> HOOK.matcher(e.name()))
        .filter(Matcher::matches)
        .mapToLong(m -> Long.parseLong(m.group(1)))
        .min()
        .orElse(0);
  }

  private Kind kind(String table) {
    return kinds.getOrDefault(Sql.fold(table), Kind.TABLE);
  }

  /** One row of sqlite_schema; {@code sql} is empty for an index of a constraint. */
  record Entry(String type, String name, String table, String sql) {
    boolean on(String other) {
      return Sql.fold(table).equals(Sql.fold(other));
    }
  }

  /** A table's kind by PRAGMA table_list: table, view, shadow or virtual. */
  record Kind(String type, boolean withoutRowid) {
    static final Kind TABLE = new Kind("table", false);
  }
}
