package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.TableReader.Column;
import dev.marmot.sqlite.schema.TableReader.Index;
import dev.marmot.sqlite.schema.TableReader.Part;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex.Computed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the UNIQUE indexes of one table compare, and which columns that depends on. Immutable. */
final class UniqueIndexes {
  private final Catalog catalog;
  private final List<Column> columns;
  private final Map<String, String> generated;

  UniqueIndexes(Catalog catalog, String table, List<Column> columns) {
    this.catalog = catalog;
    this.columns = columns;
    this.generated =
        columns.stream().anyMatch(Column::generated)
            ? GeneratedSql.parse(catalog.tableSql(table))
            : Map.of();
  }

  UniqueIndex read(Index index) {
    Optional<IndexSql> sql = catalog.indexSql(index.name()).map(IndexSql::parse);
    List<UniqueIndex.Term> terms = new ArrayList<>();
    Set<String> named = new HashSet<>();
    List<Computed> computed = new ArrayList<>();
    for (int i = 0; i < index.parts().size(); i++) {
      Part part = index.parts().get(i);
      if (part.cid() >= 0) {
        terms.add(new UniqueIndex.Term(part.name(), false, part.collation()));
        depend(part.name(), named, computed);
      } else {
        String expression = sql.orElseThrow().terms().get(i);
        terms.add(new UniqueIndex.Term(expression, true, part.collation()));
        dependOnNames(expression, named, computed);
      }
    }
    Optional<String> where = sql.flatMap(IndexSql::where);
    where.ifPresent(text -> dependOnNames(text, named, computed));
    List<String> stored =
        columns.stream()
            .filter(column -> !column.generated())
            .map(Column::name)
            .filter(name -> named.contains(Sql.fold(name)))
            .toList();
    return new UniqueIndex(index.name(), terms, where, stored, computed);
  }

  /** Every column whose name occurs in an expression counts: more than it needs, never less. */
  private void dependOnNames(String expression, Set<String> named, List<Computed> computed) {
    SqlTokens.of(expression).forEach(token -> depend(token.value(), named, computed));
  }

  private void depend(String name, Set<String> named, List<Computed> computed) {
    String folded = Sql.fold(name);
    if (!named.add(folded)) {
      return;
    }
    for (Column column : columns) {
      String expression = generated.get(folded);
      if (expression != null && column.generated() && Sql.fold(column.name()).equals(folded)) {
        dependOnNames(expression, named, computed);
        computed.add(new Computed(column.name(), expression));
      }
    }
  }
}
