package dev.marmot.sqlite.store;

import dev.marmot.sqlite.hooks.Hooks;
import dev.marmot.sqlite.hooks.Hooks.Installed;
import java.sql.Connection;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one connection's view of the schema, and the file's hooks, in step with the file. Confined
 * to the thread of the connection; the connections of a store each have one.
 *
 * @param <T> what the connection does with a table
 */
final class SchemaTracker<T extends AutoCloseable> implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SchemaTracker.class);

  private final Connection connection;
  private final Hooks hooks;
  private final BookkeepingMemory memory;
  private final TableSet.Maker<T> maker;
  private final Query cookie;
  private TableSet<T> tables;
  private ChangeLog changeLog;

  private SchemaTracker(
      Connection connection,
      Hooks hooks,
      BookkeepingMemory memory,
      TableSet.Maker<T> maker,
      boolean replicating)
      throws SQLException {
    this.memory = memory;
    this.connection = connection;
    this.hooks = hooks;
    this.maker = maker;
    this.cookie = new Query(connection, "PRAGMA main.schema_version");
    Installed installed = install(connection, hooks, replicating, 0);
    this.tables = new TableSet<>(connection, installed.schema(), maker);
    this.changeLog = ChangeLog.open(connection);
  }

  /** Installs the hooks where they are missing. Outside a transaction. */
  static <T extends AutoCloseable> SchemaTracker<T> open(
      Connection connection,
      Hooks hooks,
      BookkeepingMemory memory,
      TableSet.Maker<T> maker,
      boolean replicating)
      throws SQLException {
    return new SchemaTracker<>(connection, hooks, memory, maker, replicating);
  }

  /** Whether the schema is still the one of {@link #tables}: asked inside a transaction. */
  boolean current() throws SQLException {
    return cookie() == tables.schema().version();
  }

  /** Version of the schema that the file has now. */
  long cookie() throws SQLException {
    return cookie.number(-1);
  }

  long schemaVersion() {
    return tables.schema().version();
  }

  TableSet<T> tables() {
    return tables;
  }

  ChangeLog changeLog() {
    return changeLog;
  }

  /** Reads the schema again and completes our tables and the hooks. Outside a transaction. */
  void refresh(long seqFloor) throws SQLException {
    memory.restore(connection);
    long floor = Math.max(seqFloor, memory.seqFloor());
    Installed installed = install(connection, hooks, true, floor);
    tables.close();
    changeLog.close();
    tables = new TableSet<>(connection, installed.schema(), maker);
    changeLog = ChangeLog.open(connection);
  }

  private static Installed install(
      Connection connection, Hooks hooks, boolean replicating, long seqFloor) throws SQLException {
    while (true) {
      try {
        Installed installed = hooks.install(connection, replicating, seqFloor);
        if (installed.changed()) {
          log.atInfo()
              .addKeyValue("hooked", installed.hooked())
              .addKeyValue("unhooked", installed.unhooked())
              .addKeyValue("loggedRows", installed.loggedRows())
              .log("hooks installed");
        }
        return installed;
      } catch (SQLException e) {
        Waiting.orThrow(e, "install the hooks");
      }
    }
  }

  @Override
  public void close() throws SQLException {
    tables.close();
    changeLog.close();
    cookie.close();
  }
}
