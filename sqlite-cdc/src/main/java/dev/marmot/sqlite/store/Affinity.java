package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a column makes of the other side of a comparison (sqlite.org/datatype3.html §3, §4.2).
 *
 * <p>An expression of an index sees a column with its affinity, and `'1' = 1` depends on it; a
 * bound value has none. So a value that stands for a column is wrapped in what has the same
 * affinity and leaves the value as it is.
 */
enum Affinity {
  TEXT,
  NUMERIC,
  NONE;

  /** Affinities of all columns of a table by folded name. */
  static Map<String, Affinity> of(Connection connection, String table) throws SQLException {
    Map<String, Affinity> affinities = new HashMap<>();
    try (Query query =
        new Query(
            connection,
            "SELECT x.name, x.type, l.strict FROM pragma_table_xinfo(?1,'main') x,"
                + " pragma_table_list l WHERE l.schema='main' AND l.name=?1 COLLATE NOCASE")) {
      query
          .bind(1, table)
          .forEach(
              row -> affinities.put(Sql.fold(row.text(0)), of(row.text(1), row.number(2) != 0)));
    }
    return affinities;
  }

  static Affinity of(String declaredType, boolean strict) {
    String type = declaredType.toUpperCase(Locale.ROOT);
    if (strict && type.equals("ANY")) {
      return NONE;
    }
    if (type.contains("INT")) {
      return NUMERIC;
    }
    if (type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT")) {
      return TEXT;
    }
    return type.isEmpty() || type.contains("BLOB") ? NONE : NUMERIC;
  }

  /** The text of a parameter, with this affinity and the value unchanged. */
  String wrap(Parameters parameters, int parameter) {
    String plain = parameters.at(parameter);
    if (parameters.isText(parameter)) {
      return this == TEXT ? plain : plain + "||''";
    }
    // No cast keeps a blob in a numeric column as it is; without one it has no affinity, which
    // matters only where an index compares such a column with a number in quotes.
    return this == NUMERIC && !parameters.isBlob(parameter)
        ? "CAST(" + plain + " AS NUMERIC)"
        : plain;
  }
}
