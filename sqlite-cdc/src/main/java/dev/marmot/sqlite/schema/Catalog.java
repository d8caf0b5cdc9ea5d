package dev.marmot.sqlite.schema;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The file's list of objects, in maps: files with thousands of tables exist. Immutable. */
final class Catalog {
  private static final Pattern HOOK = Pattern.compile("__marmot_(\\d{1,18})_[iud]");

  private final List<String> userTables = new ArrayList<>();
  private final Map<String, List<Entry>> triggers = new HashMap<>();
  private final Set<String> written = new HashSet<>();
  private final Map<String, String> indexSql = new HashMap<>();
  private final Map<String, List<Entry>> definitions = new HashMap<>();
  private final Map<String, Kind> kinds = new HashMap<>();

  private Catalog() {}

  static Catalog read(Connection connection) throws SQLException {
    Catalog catalog = new Catalog();
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT type,name,tbl_name,ifnull(sql,'') FROM main.sqlite_schema ORDER BY rowid")) {
        while (rows.next()) {
          catalog.add(
              rows.getString(1),
              rows.getString(3),
              new Entry(rows.getString(2), rows.getString(4)));
        }
      }
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT name,type,wr FROM pragma_table_list WHERE schema='main'")) {
        while (rows.next()) {
          catalog.kinds.put(
              Sql.fold(rows.getString(1)), new Kind(rows.getString(2), rows.getInt(3) != 0));
        }
      }
    }
    return catalog;
  }

  private void add(String type, String table, Entry entry) {
    switch (type) {
      case "table" -> {
        if (!Sql.isOwn(entry.name()) && !Sql.fold(entry.name()).startsWith("sqlite_")) {
          userTables.add(entry.name());
          define(table, entry);
        }
      }
      case "trigger" -> {
        triggers.computeIfAbsent(Sql.fold(table), t -> new ArrayList<>()).add(entry);
        if (!Sql.isOwn(entry.name())) {
          written.addAll(TriggerSql.parse(entry.sql()).writes());
        }
      }
      case "index" -> {
        indexSql.put(Sql.fold(entry.name()), entry.sql());
        if (!Sql.isOwn(entry.name())) {
          define(table, entry);
        }
      }
      default -> {
        // A view: nothing of it replicates, what it shows does.
      }
    }
  }

  private void define(String table, Entry entry) {
    definitions.computeIfAbsent(Sql.fold(table), t -> new ArrayList<>()).add(entry);
  }

  /** The texts of the table and of its indexes: all that its columns, keys and indexes come of. */
  List<Entry> definition(String table) {
    return List.copyOf(definitions.getOrDefault(Sql.fold(table), List.of()));
  }

  /** The CREATE TABLE text. */
  String tableSql(String table) {
    return definition(table).stream()
        .filter(entry -> Sql.fold(entry.name()).equals(Sql.fold(table)))
        .map(Entry::sql)
        .findFirst()
        .orElse("");
  }

  /** Names of the application's tables of all kinds, in the order of the file. */
  List<String> userTables() {
    return List.copyOf(userTables);
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
    return triggersOn(table).stream().filter(e -> !Sql.isOwn(e.name())).toList();
  }

  /** Whether a trigger of the application's, on whatever table or view, writes the table. */
  boolean writtenByTriggers(String table) {
    return written.contains(Sql.fold(table));
  }

  /** The CREATE INDEX text; empty for an index of a constraint. */
  Optional<String> indexSql(String index) {
    return Optional.ofNullable(indexSql.get(Sql.fold(index))).filter(sql -> !sql.isEmpty());
  }

  /**
   * The number in the names of our triggers on the table, 0 when it has none. Triggers follow a
   * renamed table and die with a dropped one, so they tell what the name alone cannot.
   */
  long hookId(String table) {
    return triggersOn(table).stream()
        .map(e -> HOOK.matcher(e.name()))
        .filter(Matcher::matches)
        .mapToLong(m -> Long.parseLong(m.group(1)))
        .min()
        .orElse(0);
  }

  private List<Entry> triggersOn(String table) {
    return triggers.getOrDefault(Sql.fold(table), List.of());
  }

  private Kind kind(String table) {
    return kinds.getOrDefault(Sql.fold(table), Kind.TABLE);
  }

  /** An object and its text. */
  record Entry(String name, String sql) {}

  /** A table's kind by PRAGMA table_list: table, view, shadow or virtual. */
  private record Kind(String type, boolean withoutRowid) {
    static final Kind TABLE = new Kind("table", false);
  }
}
