package dev.marmot.sqlite.store;

import dev.marmot.sqlite.SqliteValue;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A statement whose parameters carry SQLite values of any storage class. Confined to the thread of
 * its connection.
 *
 * <p>Text is bound as a blob and cast, so that any bytes survive, in the database's own encoding
 * (sqlite.md 51, 52). Where a parameter is cast depends on the value, so there is one prepared form
 * per pattern of text, blobs and numbers; NULL fits any, so a table usually needs one or two.
 */
final class CastQuery implements AutoCloseable {
  private static final int MAX_FORMS = 16;

  private final Connection connection;
  private final Template template;
  private final Map<BitSet, Query> forms = new LinkedHashMap<>(8, 0.75f, true);
  private BitSet lastKinds = new BitSet();
  private @Nullable Query last;

  CastQuery(Connection connection, Template template) {
    this.connection = connection;
    this.template = template;
  }

  /** The form that fits the values, with parameters 1.. bound to them. */
  Query bind(List<SqliteValue> values) throws SQLException {
    Query query = last;
    if (query == null || !fits(values)) {
      query = form(values);
    }
    for (int i = 0; i < values.size(); i++) {
      query.bind(i + 1, values.get(i));
    }
    return query;
  }

  private boolean fits(List<SqliteValue> values) {
    for (int i = 0; i < values.size(); i++) {
      SqliteValue value = values.get(i);
      if (value != SqliteValue.Null.NULL
          && (lastKinds.get(2 * i) != value instanceof SqliteValue.Text
              || lastKinds.get(2 * i + 1) != value instanceof SqliteValue.Blob)) {
        return false;
      }
    }
    return true;
  }

  private Query form(List<SqliteValue> values) throws SQLException {
    BitSet kinds = new BitSet();
    for (int i = 0; i < values.size(); i++) {
      SqliteValue value = values.get(i);
      boolean any = value instanceof SqliteValue.Null;
      kinds.set(2 * i, any ? lastKinds.get(2 * i) : value instanceof SqliteValue.Text);
      kinds.set(2 * i + 1, any ? lastKinds.get(2 * i + 1) : value instanceof SqliteValue.Blob);
    }
    Query query = forms.get(kinds);
    if (query == null) {
      evict();
      query = new Query(connection, template.sql(new Parameters(kinds)));
      forms.put(kinds, query);
    }
    lastKinds = kinds;
    last = query;
    return query;
  }

  private void evict() throws SQLException {
    if (forms.size() >= MAX_FORMS) {
      Iterator<Query> oldest = forms.values().iterator();
      Query query = oldest.next();
      oldest.remove();
      query.close();
    }
  }

  @Override
  public void close() throws SQLException {
    for (Query query : forms.values()) {
      query.close();
    }
    forms.clear();
    last = null;
  }

  /** The statement's text, given the text of each parameter (numbered from 1). */
  interface Template {
    String sql(Parameters parameters);
  }

  /** What stands for each parameter, numbered from 1. Immutable. */
  static final class Parameters {
    private final BitSet kinds;

    private Parameters(BitSet kinds) {
      this.kinds = kinds;
    }

    String at(int parameter) {
      return isText(parameter) ? "CAST(?" + parameter + " AS TEXT)" : "?" + parameter;
    }

    /** Whether the value is text (or NULL). */
    boolean isText(int parameter) {
      return kinds.get(2 * (parameter - 1));
    }

    /** Whether the value is a blob (or NULL). */
    boolean isBlob(int parameter) {
      return kinds.get(2 * (parameter - 1) + 1);
    }
  }
}
