package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex.Computed;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex.Term;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds what collides with a row on one secondary UNIQUE index. Confined to the thread of its
 * connection.
 *
 * <p>SQL compares: collations, the expressions of the index and the condition of a partial index
 * are the file's own. A row is given as the values of the index's columns; expressions see them
 * through a one-row subquery that bears the table's name.
 */
final class UniqueProbe implements AutoCloseable {
  private final TableSchema table;
  private final UniqueIndex index;
  private final Map<String, Affinity> affinities;
  private final TableReader reader;
  private final CastQuery stored;
  private final CastQuery pair;
  private final List<Place> places;
  private final int[] compared;

  UniqueProbe(
      Connection connection,
      TableSchema table,
      UniqueIndex index,
      Map<String, Affinity> affinities,
      TableReader reader) {
    this.table = table;
    this.index = index;
    this.affinities = affinities;
    this.reader = reader;
    this.stored = new CastQuery(connection, this::storedSql);
    this.pair = new CastQuery(connection, this::pairSql);
    List<String> key = TableReader.keyNames(table);
    this.places =
        index.columns().stream()
            .map(name -> new Place(position(key, name), position(table.columns(), name)))
            .toList();
    this.compared = compared();
  }

  /** Places of the columns whose bytes alone decide. */
  private int[] compared() {
    return index.terms().stream()
        .filter(term -> !term.expression() && term.collation().equalsIgnoreCase("BINARY"))
        .mapToInt(term -> position(index.columns(), term.sql()))
        .filter(column -> column >= 0)
        .toArray();
  }

  private static int position(List<String> names, String name) {
    for (int i = 0; i < names.size(); i++) {
      if (Sql.fold(names.get(i)).equals(Sql.fold(name))) {
        return i;
      }
    }
    return -1;
  }

  /** Where a row has the values of the index's columns, in their order. */
  List<Place> places() {
    return places;
  }

  /** Stored rows that have the given values of the index's columns. */
  List<StoredRow> colliders(List<SqliteValue> columns) throws SQLException {
    List<StoredRow> found = new ArrayList<>();
    stored.bind(columns).forEach(row -> found.add(reader.read(row)));
    return found;
  }

  /** Whether two rows surely do not exclude each other: asks no SQL, and often does not know. */
  boolean differ(List<SqliteValue> one, List<SqliteValue> other) {
    for (int column : compared) {
      SqliteValue a = one.get(column);
      SqliteValue b = other.get(column);
      boolean sameClass = a.getClass() == b.getClass() && !(a instanceof SqliteValue.Real);
      if (sameClass && !a.equals(b)) {
        return true;
      }
    }
    return false;
  }

  /** Whether two rows, each given as values of the index's columns, exclude each other. */
  boolean collide(List<SqliteValue> one, List<SqliteValue> other) throws SQLException {
    List<SqliteValue> both = new ArrayList<>(one);
    both.addAll(other);
    return pair.bind(both).number(0) != 0;
  }

  private String storedSql(Parameters parameters) {
    StringBuilder sql = new StringBuilder(reader.selectAll()).append(" WHERE ");
    List<String> terms = new ArrayList<>();
    for (Term term : index.terms()) {
      terms.add(stored(term) + " = " + given(term, parameters, 0));
    }
    index
        .where()
        .ifPresent(
            where -> {
              terms.add("(" + where + ")");
              terms.add(evaluate(where, Optional.empty(), parameters, 0));
            });
    return sql.append(String.join(" AND ", terms)).toString();
  }

  private String pairSql(Parameters parameters) {
    int offset = index.columns().size();
    List<String> terms = new ArrayList<>();
    for (Term term : index.terms()) {
      terms.add(
          "("
              + given(term, parameters, 0)
              + ") COLLATE "
              + Sql.quote(term.collation())
              + " = "
              + given(term, parameters, offset));
    }
    index
        .where()
        .ifPresent(
            where -> {
              terms.add(evaluate(where, Optional.empty(), parameters, 0));
              terms.add(evaluate(where, Optional.empty(), parameters, offset));
            });
    return "SELECT " + String.join(" AND ", terms);
  }

  private static String stored(Term term) {
    String text = term.expression() ? "(" + term.sql() + ")" : Sql.quote(term.sql());
    return text + " COLLATE " + Sql.quote(term.collation());
  }

  private String given(Term term, Parameters parameters, int offset) {
    if (term.expression()) {
      return evaluate(term.sql(), index.where(), parameters, offset);
    }
    return index.computed().stream().anyMatch(c -> c.name().equals(term.sql()))
        ? evaluate(Sql.quote(term.sql()), index.where(), parameters, offset)
        : parameters.at(offset + 1 + columnIndex(term.sql()));
  }

  private int columnIndex(String name) {
    int found = position(index.columns(), name);
    if (found < 0) {
      throw new IllegalStateException(
          "cannot probe index " + index.name() + ": it does not list its column " + name);
    }
    return found;
  }

  /**
   * The expression's value for the given row. It sees the columns' affinities, but not collations
   * that they declare: an expression or condition that relies on one compares by BINARY here.
   *
   * @param where the expression may fail for rows that do not meet this; it is NULL for them
   */
  private String evaluate(
      String expression, Optional<String> where, Parameters parameters, int offset) {
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < index.columns().size(); i++) {
      String name = index.columns().get(i);
      Affinity affinity = affinities.getOrDefault(Sql.fold(name), Affinity.NUMERIC);
      int parameter = offset + i + 1;
      columns.add(affinity.wrap(parameters, parameter) + " AS " + Sql.quote(name));
    }
    String bearsName = ") AS " + Sql.quote(table.name());
    String row = columns.isEmpty() ? "SELECT 1" : "SELECT " + String.join(",", columns);
    for (Computed column : index.computed()) {
      row =
          "SELECT *,(%s) AS %s FROM (%s".formatted(column.sql(), Sql.quote(column.name()), row)
              + bearsName;
    }
    return "(SELECT ("
        + expression
        + ") FROM ("
        + row
        + bearsName
        + where.map(text -> " WHERE (" + text + ")").orElse("")
        + ")";
  }

  @Override
  public void close() throws SQLException {
    stored.close();
    pair.close();
  }

  /** Where a row has a column: in its key, among its other columns, or (-1, -1) computed. */
  record Place(int key, int column) {}
}
