package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConnection;
import org.sqlite.core.CoreStatement;
import org.sqlite.core.DB;

/**
 * One prepared statement. Confined to the thread of its connection.
 *
 * <p>It runs on the driver's thin layer over the C interface, below {@code ResultSet}: values are
 * read by SQLite's own storage class and bytes, where the typed getters convert text and so change
 * bytes that are not valid UTF-8 (sqlite.md 51); and a statement of one row costs about half.
 */
final class Query implements AutoCloseable {
  private static final int INTEGER = 1;
  private static final int REAL = 2;
  private static final int TEXT = 3;
  private static final int BLOB = 4;
  private static final int NULL = 5;
  private static final int STEP_ROW = 100;
  private static final int STEP_DONE = 101;
  private static final byte[] EMPTY = {};

  private final Connection connection;
  private final String sql;
  private final DB db;
  private @Nullable Object[] parameters = new Object[4];
  private @Nullable CoreStatement prepared;

  Query(Connection connection, String sql) throws SQLException {
    this.connection = connection;
    this.sql = sql;
    this.db = ((SQLiteConnection) connection).getDatabase();
    prepared = (CoreStatement) connection.prepareStatement(sql);
  }

  private CoreStatement statement() throws SQLException {
    CoreStatement statement = prepared;
    if (statement == null) {
      statement = (CoreStatement) connection.prepareStatement(sql);
      prepared = statement;
    }
    return statement;
  }

  /**
   * The driver finalizes a statement that failed, so it is prepared anew when it is next needed.
   */
  private SQLException failed(SQLException failure) {
    try {
      close();
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  private Query set(int parameter, @Nullable Object value) {
    if (parameter > parameters.length) {
      parameters = Arrays.copyOf(parameters, Math.max(parameter, parameters.length * 2));
    }
    parameters[parameter - 1] = value;
    return this;
  }

  Query bind(int parameter, long value) {
    return set(parameter, value);
  }

  Query bind(int parameter, String value) {
    return set(parameter, value);
  }

  Query bind(int parameter, byte[] value) {
    return set(parameter, value);
  }

  /** Binds a value; text as bytes, so the statement must cast it. */
  Query bind(int parameter, SqliteValue value) {
    if (value instanceof SqliteValue.Int integer) {
      return set(parameter, integer.value());
    }
    if (value instanceof SqliteValue.Real real) {
      return set(parameter, real.value());
    }
    if (value instanceof SqliteValue.Text text) {
      return set(parameter, text.bytes());
    }
    return set(parameter, value instanceof SqliteValue.Blob blob ? blob.bytes() : null);
  }

  /** Runs it and returns how many rows it changed itself, triggers not counted. */
  int update() throws SQLException {
    try {
      return (int) db.executeUpdate(statement(), parameters);
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  /** Calls back for each row. */
  void forEach(RowAction action) throws SQLException {
    whileTrue(
        row -> {
          action.accept(row);
          return true;
        });
  }

  /** Calls back for rows until it says that it has enough. */
  void whileTrue(RowTest test) throws SQLException {
    CoreStatement statement = statement();
    try {
      if (!db.execute(statement, parameters)) {
        return;
      }
      try {
        Row row = new Row(statement);
        while (test.accept(row) && step(statement)) {
          // Each step is a row that the test wants to see.
        }
      } finally {
        statement.pointer.safeRunInt(DB::reset);
      }
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  private boolean step(CoreStatement statement) throws SQLException {
    int code = statement.pointer.safeRunInt(DB::step) & 0xff;
    if (code != STEP_ROW && code != STEP_DONE) {
      db.throwex(code);
    }
    return code == STEP_ROW;
  }

  /** The first column of the first row, or {@code otherwise} when there is no row or a NULL. */
  long number(long otherwise) throws SQLException {
    long[] found = {otherwise};
    whileTrue(
        row -> {
          if (!row.isNull(0)) {
            found[0] = row.number(0);
          }
          return false;
        });
    return found[0];
  }

  @Override
  public void close() throws SQLException {
    CoreStatement statement = prepared;
    prepared = null;
    if (statement != null) {
      ((PreparedStatement) statement).close();
    }
  }

  /** What to do with a row. */
  interface RowAction {
    void accept(Row row) throws SQLException;
  }

  /** What to do with a row, and whether to go on. */
  interface RowTest {
    boolean accept(Row row) throws SQLException;
  }

  /** The row under the cursor; columns count from 0. */
  static final class Row {
    private final CoreStatement statement;

    private Row(CoreStatement statement) {
      this.statement = statement;
    }

    boolean isNull(int column) throws SQLException {
      return statement.pointer.safeRunInt((db, pointer) -> db.column_type(pointer, column)) == NULL;
    }

    long number(int column) throws SQLException {
      return statement.pointer.safeRunLong((db, pointer) -> db.column_long(pointer, column));
    }

    String text(int column) throws SQLException {
      return String.valueOf(
          statement.pointer.<@Nullable String, SQLException>safeRun(
              (db, pointer) -> db.column_text(pointer, column)));
    }

    byte[] bytes(int column) throws SQLException {
      return statement.pointer.safeRun((db, pointer) -> blob(db, pointer, column));
    }

    List<SqliteValue> values(int from, int count) throws SQLException {
      SqliteValue[] values = new SqliteValue[count];
      statement.pointer.safeRunConsume(
          (db, pointer) -> {
            for (int i = 0; i < count; i++) {
              values[i] = read(db, pointer, from + i);
            }
          });
      return List.of(values);
    }

    private static SqliteValue read(DB db, long pointer, int column) throws SQLException {
      return switch (db.column_type(pointer, column)) {
        case INTEGER -> new SqliteValue.Int(db.column_long(pointer, column));
        case REAL -> new SqliteValue.Real(db.column_double(pointer, column));
        case TEXT -> new SqliteValue.Text(blob(db, pointer, column));
        case BLOB -> new SqliteValue.Blob(blob(db, pointer, column));
        default -> SqliteValue.Null.NULL;
      };
    }

    // For text, too, SQLite hands out the stored bytes: it converts only when text is asked for.
    private static byte[] blob(DB db, long pointer, int column) throws SQLException {
      byte[] bytes = db.column_blob(pointer, column);
      return bytes == null ? EMPTY : bytes;
    }
  }
}
