package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.core.CoreStatement;
import org.sqlite.core.DB;

/**
 * One prepared statement. Confined to the thread of its connection.
 *
 * <p>Values are read by SQLite's own storage class and bytes: the driver's typed getters convert
 * text, and so change bytes that are not valid UTF-8 (sqlite.md 51).
 */
final class Query implements AutoCloseable {
  private static final int INTEGER = 1;
  private static final int REAL = 2;
  private static final int TEXT = 3;
  private static final int BLOB = 4;
  private static final byte[] EMPTY = {};

  private final Connection connection;
  private final String sql;
  private @Nullable PreparedStatement prepared;

  Query(Connection connection, String sql) throws SQLException {
    this.connection = connection;
    this.sql = sql;
    prepared = connection.prepareStatement(sql);
  }

  private PreparedStatement statement() throws SQLException {
    PreparedStatement statement = prepared;
    if (statement == null) {
      statement = connection.prepareStatement(sql);
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

  Query bind(int parameter, long value) throws SQLException {
    statement().setLong(parameter, value);
    return this;
  }

  Query bind(int parameter, String value) throws SQLException {
    statement().setString(parameter, value);
    return this;
  }

  Query bind(int parameter, byte[] value) throws SQLException {
    statement().setBytes(parameter, value);
    return this;
  }

  /** Binds a value; text as bytes, so the statement must cast it. */
  Query bind(int parameter, SqliteValue value) throws SQLException {
    if (value instanceof SqliteValue.Int integer) {
      statement().setLong(parameter, integer.value());
    } else if (value instanceof SqliteValue.Real real) {
      statement().setDouble(parameter, real.value());
    } else if (value instanceof SqliteValue.Text text) {
      statement().setBytes(parameter, text.bytes());
    } else if (value instanceof SqliteValue.Blob blob) {
      statement().setBytes(parameter, blob.bytes());
    } else {
      statement().setNull(parameter, java.sql.Types.NULL);
    }
    return this;
  }

  /** Runs it and returns how many rows it changed itself, triggers not counted. */
  int update() throws SQLException {
    try {
      return statement().executeUpdate();
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
    PreparedStatement statement = statement();
    try (ResultSet rows = statement.executeQuery()) {
      Row row = new Row(rows, (CoreStatement) statement);
      boolean more = true;
      while (more && rows.next()) {
        more = test.accept(row);
      }
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  /** The first column of the first row, or {@code otherwise} when there is no row or a NULL. */
  long number(long otherwise) throws SQLException {
    try (ResultSet rows = statement().executeQuery()) {
      if (!rows.next()) {
        return otherwise;
      }
      long value = rows.getLong(1);
      return rows.wasNull() ? otherwise : value;
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  @Override
  public void close() throws SQLException {
    PreparedStatement statement = prepared;
    prepared = null;
    if (statement != null) {
      statement.close();
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
    private final ResultSet rows;
    private final CoreStatement statement;

    private Row(ResultSet rows, CoreStatement statement) {
      this.rows = rows;
      this.statement = statement;
    }

    long number(int column) throws SQLException {
      return rows.getLong(column + 1);
    }

    String text(int column) throws SQLException {
      return String.valueOf(rows.getString(column + 1));
    }

    byte[] bytes(int column) throws SQLException {
      byte[] bytes = rows.getBytes(column + 1);
      return bytes == null ? EMPTY : bytes;
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

    // For text, too, SQLite hands out the stored bytes: a conversion happens only when text is
    // asked.
    private static byte[] blob(DB db, long pointer, int column) throws SQLException {
      byte[] bytes = db.column_blob(pointer, column);
      return bytes == null ? EMPTY : bytes;
    }
  }
}
