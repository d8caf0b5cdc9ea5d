package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.DatabaseSchema.RefusedTable;
import dev.marmot.sqlite.schema.TableReader.Refusal;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Reads which tables of a file replicate, and how. Thread-safe; the connection is its caller's, in
 * a transaction or not. A table without hooks has the id 0.
 *
 * <p>It remembers the tables that it read, each with the texts that define it, because a change of
 * the schema seldom concerns more than one.
 */
public final class SchemaReader {
  private static final Pattern FUNCTION = Pattern.compile("[a-z_][a-z0-9_]*");

  private final TablePatterns excluded;
  private final Map<String, Known> known = new ConcurrentHashMap<>();

  public SchemaReader() {
    this(TablePatterns.NONE);
  }

  /**
   * Leaves out some tables as if they were not there.
   *
   * @param excluded ordinary and virtual ones
   */
  public SchemaReader(TablePatterns excluded) {
    this.excluded = excluded;
  }

  /** Reads the schema as of one moment. */
  public DatabaseSchema read(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      // A savepoint is a read transaction of its own, or part of the one that is open.
      statement.execute("SAVEPOINT __marmot_schema");
      try {
        return readAll(connection);
      } finally {
        statement.execute("RELEASE __marmot_schema");
      }
    }
  }

  private DatabaseSchema readAll(Connection connection) throws SQLException {
    Catalog catalog = Catalog.read(connection);
    TableReader reader = new TableReader(connection, catalog);
    Set<String> unknown = unknownModules(connection, catalog);
    Map<String, TableSchema> tables = new HashMap<>();
    List<RefusedTable> refused = new ArrayList<>();
    Set<String> maintained = new HashSet<>();
    for (String name : catalog.userTables()) {
      if (catalog.virtual(name) || catalog.shadow(name) || excluded.match(name)) {
        continue;
      }
      try {
        checkNotReserved(name);
        checkNotShadow(name, unknown);
        TableSchema table = table(name, catalog, reader);
        tables.put(name, withTriggers(connection, table, catalog, unknown, maintained));
      } catch (Refusal e) {
        refused.add(new RefusedTable(name, String.valueOf(e.getMessage())));
      }
    }
    refused.addAll(virtualTables(catalog, maintained));
    known.keySet().retainAll(catalog.userTables());
    return new DatabaseSchema(
        Long.parseLong(pragma(connection, "schema_version")),
        pragma(connection, "encoding"),
        tables,
        refused);
  }

  /**
   * The table without its triggers. One without hooks is always read: whether it replicates depends
   * on its rows, too.
   */
  private TableSchema table(String name, Catalog catalog, TableReader reader)
      throws SQLException, Refusal {
    long id = catalog.hookId(name);
    List<Catalog.Entry> definition = catalog.definition(name);
    Known before = known.get(name);
    if (id > 0
        && before != null
        && before.table().id() == id
        && before.definition().equals(definition)) {
      return before.table();
    }
    TableSchema table = reader.read(name);
    known.put(name, new Known(definition, table));
    return table;
  }

  /** Folded names of the virtual tables whose module this library does not have. */
  private static Set<String> unknownModules(Connection connection, Catalog catalog) {
    Set<String> unknown = new HashSet<>();
    for (String name : catalog.userTables()) {
      if (catalog.virtual(name) && !usable(connection, name)) {
        unknown.add(Sql.fold(name));
      }
    }
    return unknown;
  }

  private static boolean usable(Connection connection, String table) {
    try (var prepared =
        connection.prepareStatement("SELECT 1 FROM " + Sql.quote(table) + " LIMIT 0")) {
      prepared.getMetaData();
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  private static void checkNotReserved(String name) throws Refusal {
    if (Sql.isReserved(name)) {
      throw new Refusal(
          "its name begins with __marmot_, as only those of Marmot's own tables may; rename it");
    }
  }

  private static void checkNotShadow(String name, Set<String> unknown) throws Refusal {
    for (String virtual : unknown) {
      if (Sql.fold(name).startsWith(virtual + "_")) {
        throw new Refusal(
            "it looks like a part of the virtual table "
                + virtual
                + ", whose module Marmot does not have; rename it if it is an ordinary table");
      }
    }
  }

  private static TableSchema withTriggers(
      Connection connection,
      TableSchema table,
      Catalog catalog,
      Set<String> unknown,
      Set<String> maintained)
      throws Refusal {
    List<UserTrigger> triggers = new ArrayList<>();
    Set<String> written = new HashSet<>();
    for (Catalog.Entry entry : catalog.userTriggers(table.name())) {
      TriggerSql body = TriggerSql.parse(entry.sql());
      long virtual = body.writes().stream().filter(catalog::virtual).count();
      boolean keep = virtual > 0 && virtual == body.writes().size() && !body.raises();
      if (virtual > 0 && virtual < body.writes().size()) {
        throw new Refusal(
            "its trigger "
                + entry.name()
                + " writes a virtual table and an ordinary one, and only the first must happen"
                + " again on every node; split it into two triggers");
      }
      if (keep) {
        for (String target : body.writes()) {
          if (unknown.contains(target)) {
            throw new Refusal(
                "its trigger "
                    + entry.name()
                    + " writes the virtual table "
                    + target
                    + ", whose module Marmot does not have; exclude the table or drop the trigger");
          }
        }
        written.addAll(body.writes());
      }
      triggers.add(
          new UserTrigger(
              entry.name(),
              entry.sql(),
              keep,
              keep ? lacks(connection, body) : List.of(),
              keep ? reads(catalog, table.name(), body) : List.of()));
    }
    maintained.addAll(written);
    return table.withTriggers(triggers, catalog.writtenByTriggers(table.name()));
  }

  /** Functions of a trigger that cannot be called here. */
  private static List<String> lacks(Connection connection, TriggerSql trigger) {
    return trigger.calls().stream()
        .filter(name -> FUNCTION.matcher(name).matches() && !callable(connection, name))
        .sorted()
        .toList();
  }

  /** What is no function at all, such as a keyword, fails otherwise than an unknown one. */
  private static boolean callable(Connection connection, String name) {
    try (var prepared = connection.prepareStatement("SELECT " + name + "()")) {
      prepared.getMetaData();
      return true;
    } catch (SQLException e) {
      return !String.valueOf(e.getMessage()).contains("no such function");
    }
  }

  private static List<String> reads(Catalog catalog, String own, TriggerSql trigger) {
    return catalog.userTables().stream()
        .filter(
            name ->
                !catalog.virtual(name)
                    && !Sql.fold(name).equals(Sql.fold(own))
                    && trigger.reads().contains(Sql.fold(name)))
        .toList();
  }

  private List<RefusedTable> virtualTables(Catalog catalog, Set<String> maintained) {
    return catalog.userTables().stream()
        .filter(
            name ->
                catalog.virtual(name)
                    && !maintained.contains(Sql.fold(name))
                    && !excluded.match(name))
        .map(
            name ->
                new RefusedTable(
                    name,
                    "it is a virtual table, which can have no triggers, so what the application"
                        + " writes to it stays on this node; fill it by triggers of an ordinary"
                        + " table, or exclude it"))
        .toList();
  }

  /** A table as it was read, with the texts that it was read from. */
  private record Known(List<Catalog.Entry> definition, TableSchema table) {}

  private static String pragma(Connection connection, String name) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("PRAGMA main." + name)) {
      rows.next();
      return rows.getString(1);
    }
  }
}
