package dev.marmot.sqlite.hooks;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Brings the hooks of a file in step with its schema. Thread-safe; the connection is its caller's.
 *
 * <p>A table is known by the number in the names of the triggers on it, never by its own name:
 * triggers follow a renamed table and die with a dropped one. The number is kept while at least one
 * trigger on the table still logs the same key; otherwise the table counts as new, and what is left
 * in the change log under the old number belongs to no table.
 */
public final class Hooks {
  /** Number in the change log that never belongs to a table. */
  public static final long NO_TABLE = 0;

  /** End of the name of the one hook that is an index. */
  private static final String KEEP = "_keep";

  private final SchemaReader reader;
  private final Moment first;
  private final Map<TableSchema, Map<String, String>> texts = new ConcurrentHashMap<>();

  public Hooks(SchemaReader reader) {
    this(reader, () -> {});
  }

  /**
   * @param first told at the very first install, while nobody else can write: every write before it
   *     is unlogged, every later one is logged. Perhaps told again, when that install was undone
   */
  public Hooks(SchemaReader reader, Moment first) {
    this.reader = reader;
    this.first = first;
  }

  /** The moment from which on a file's writes are logged. */
  @FunctionalInterface
  public interface Moment {
    void reached() throws SQLException;
  }

  /**
   * Installs what is missing, replaces what is outdated, removes what no longer belongs, in one
   * transaction. Does nothing when all is as it should be.
   *
   * @param connection outside a transaction
   * @param replicating the file has been replicated before: the keys of tables whose writes nobody
   *     logged so far are logged now. False at the very first install, when the files are equal
   * @param seqFloor newest change log row that was ever used; a change log that the application
   *     dropped begins behind it
   */
  public Installed install(Connection connection, boolean replicating, long seqFloor)
      throws SQLException {
    Run run = new Run(connection, replicating);
    run.execute("BEGIN IMMEDIATE");
    boolean done = false;
    try {
      Installed installed = run.install(seqFloor);
      if (installed.changed() && !replicating) {
        first.reached();
      }
      run.execute(installed.changed() ? "COMMIT" : "ROLLBACK");
      done = true;
      return installed;
    } finally {
      if (!done) {
        run.rollback();
      }
    }
  }

  /**
   * Whether the schema is the file's present one and all its hooks are in place. Cheap enough for
   * every change of the schema, not for every wake: compare the schema version first.
   */
  public boolean current(Connection connection, DatabaseSchema schema) throws SQLException {
    if (OwnTables.number(connection, "PRAGMA main.schema_version") != schema.version()) {
      return false;
    }
    int widest = schema.tables().values().stream().mapToInt(HookSql::keySize).max().orElse(1);
    Census census = Census.read(connection);
    return OwnTables.keyColumns(connection) >= widest
        && folded(schema).containsAll(census.tables())
        && schema.tables().values().stream()
            .allMatch(t -> t.id() > 0 && census.matches(t.name(), text(t)));
  }

  /** The texts of a table's hooks; most tables are as they were when they were last asked for. */
  private Map<String, String> text(TableSchema table) {
    return texts.computeIfAbsent(table, t -> Collections.unmodifiableMap(HookSql.of(t)));
  }

  private static Set<String> folded(DatabaseSchema schema) {
    return schema.tables().keySet().stream().map(Sql::fold).collect(Collectors.toSet());
  }

  /**
   * What an installation did. Immutable.
   *
   * @param schema the schema as it is now, with the number of each table
   * @param hooked tables whose hooks were created or replaced
   * @param unhooked tables whose hooks were removed because they are not replicated any more
   * @param loggedRows keys of existing rows that were logged
   * @param changed whether the file was written at all
   */
  public record Installed(
      DatabaseSchema schema,
      List<String> hooked,
      List<String> unhooked,
      long loggedRows,
      boolean changed) {
    public Installed {
      hooked = List.copyOf(hooked);
      unhooked = List.copyOf(unhooked);
    }
  }

  /** One installation. Confined to one call. */
  private final class Run {
    private final Connection connection;
    private final boolean replicating;
    private final List<String> hooked = new ArrayList<>();
    private final List<String> unhooked = new ArrayList<>();
    private long loggedRows;

    Run(Connection connection, boolean replicating) {
      this.connection = connection;
      this.replicating = replicating;
    }

    Installed install(long seqFloor) throws SQLException {
      DatabaseSchema schema = reader.read(connection);
      texts.keySet().retainAll(Set.copyOf(schema.tables().values()));
      if (current(connection, schema)) {
        return new Installed(schema, List.of(), List.of(), 0, false);
      }
      int widest = schema.tables().values().stream().mapToInt(HookSql::keySize).max().orElse(1);
      OwnTables own = new OwnTables(connection);
      boolean logLost = own.create(widest) && replicating;
      if (logLost && seqFloor > 0) {
        execute(
            "INSERT INTO %s(seq,tbl) VALUES(%d,%d)".formatted(HookSql.LOG, seqFloor + 1, NO_TABLE));
      }
      Census census = Census.read(connection);
      unhook(census, schema);
      for (TableSchema table : byName(schema)) {
        hook(table, census, own, logLost);
      }
      return new Installed(reader.read(connection), hooked, unhooked, loggedRows, true);
    }

    private void unhook(Census census, DatabaseSchema schema) throws SQLException {
      Set<String> gone = new HashSet<>(census.tables());
      gone.removeAll(folded(schema));
      for (String table : gone) {
        drop(census.of(table).keySet());
        unhooked.add(table);
      }
    }

    private void hook(TableSchema table, Census census, OwnTables own, boolean logLost)
        throws SQLException {
      Map<String, String> have = census.of(table.name());
      Map<String, String> wanted = table.id() > 0 ? text(table) : Map.of();
      List<String> keyHooks = HookSql.keyHookNames(table.id());
      boolean known = keyHooks.stream().anyMatch(name -> Census.same(have, wanted, name));
      boolean gap = !known || !keyHooks.stream().allMatch(n -> Census.same(have, wanted, n));
      TableSchema numbered = known ? table : table.withId(own.nextId());
      change(numbered, have, census.isLate(table.name()));
      if (replicating && (gap || logLost)) {
        loggedRows += update(HookSql.logAllKeys(numbered));
      }
    }

    /** All triggers are made anew when one of the application's has come behind them. */
    private void change(TableSchema table, Map<String, String> have, boolean late)
        throws SQLException {
      Map<String, String> wanted = text(table);
      Predicate<String> stays =
          name -> Census.same(have, wanted, name) && (!late || name.endsWith(KEEP));
      Map<String, String> create = new LinkedHashMap<>(wanted);
      create.keySet().removeIf(stays);
      Set<String> drop = new HashSet<>(have.keySet());
      drop.removeIf(stays);
      drop(drop);
      for (String sql : create.values()) {
        execute(sql);
      }
      if (!drop.isEmpty() || !create.isEmpty()) {
        hooked.add(table.name());
      }
    }

    private void drop(Set<String> names) throws SQLException {
      for (String name : names) {
        String kind = name.endsWith(KEEP) ? "INDEX" : "TRIGGER";
        execute("DROP " + kind + " main." + Sql.quote(name));
      }
    }

    private List<TableSchema> byName(DatabaseSchema schema) {
      Function<TableSchema, String> name = TableSchema::name;
      return schema.tables().values().stream().sorted(Comparator.comparing(name)).toList();
    }

    void execute(String sql) throws SQLException {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    }

    private long update(String sql) throws SQLException {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
        return OwnTables.number(connection, "SELECT changes()");
      }
    }

    void rollback() {
      try {
        execute("ROLLBACK");
      } catch (SQLException e) {
        // SQLite has rolled back by itself after some errors; the first error is already thrown.
        return;
      }
    }
  }
}
