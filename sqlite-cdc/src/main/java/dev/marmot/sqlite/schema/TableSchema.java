package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.TableShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One replicated table, as the file declares it. Immutable.
 *
 * @param id number under which the hooks log this table's keys; local to the file, never re-used
 * @param keyKind what identifies a row
 * @param key key columns in key order, each with the collation of the key's index; empty for a
 *     rowid key
 * @param rowidName a name of the rowid that no column hides; empty for WITHOUT ROWID tables
 * @param columns stored columns outside the key, in table order
 * @param uniqueIndexes secondary UNIQUE indexes (not the key's own)
 * @param userTriggers the application's triggers on this table, in firing order
 * @param nested a trigger or a foreign key action may write the table while another write of it is
 *     under way
 */
public record TableSchema(
    long id,
    String name,
    KeyKind keyKind,
    List<KeyColumn> key,
    Optional<String> rowidName,
    List<String> columns,
    List<UniqueIndex> uniqueIndexes,
    List<UserTrigger> userTriggers,
    boolean nested) {
  public TableSchema {
    key = List.copyOf(key);
    columns = List.copyOf(columns);
    uniqueIndexes = List.copyOf(uniqueIndexes);
    userTriggers = List.copyOf(userTriggers);
  }

  /** What identifies a row. */
  public enum KeyKind {
    /** No declared key: the rowid. */
    ROWID,
    /** An INTEGER PRIMARY KEY that is the rowid itself. */
    ROWID_ALIAS,
    /** Any other declared key of a rowid table. */
    DECLARED,
    /** The key of a WITHOUT ROWID table. */
    WITHOUT_ROWID
  }

  /** A key column and the collation by which the key's index compares it. */
  public record KeyColumn(String name, String collation) {}

  /**
   * A secondary UNIQUE index.
   *
   * @param terms column names or expression texts, in index order
   * @param where text of a partial index's condition
   * @param columns stored columns of the table on which the index depends, those of expressions and
   *     of the condition included
   * @param computed generated columns on which it depends, each after those that it depends on
   */
  public record UniqueIndex(
      String name,
      List<Term> terms,
      Optional<String> where,
      List<String> columns,
      List<Computed> computed) {
    public UniqueIndex {
      terms = List.copyOf(terms);
      columns = List.copyOf(columns);
      computed = List.copyOf(computed);
    }

    /** A generated column and the text that computes it. */
    public record Computed(String name, String sql) {}

    /**
     * One term of the index.
     *
     * @param sql the column's name, unquoted, or the expression's text
     */
    public record Term(String sql, boolean expression, String collation) {}
  }

  /**
   * A trigger of the application.
   *
   * @param sql its CREATE TRIGGER text to the letter
   * @param runsOnReplicas it only maintains virtual tables (a search index), so it runs everywhere
   * @param lacks functions that it calls and only the application knows, if it runs everywhere
   * @param reads other ordinary tables that it reads, if it runs everywhere
   */
  public record UserTrigger(
      String name, String sql, boolean runsOnReplicas, List<String> lacks, List<String> reads) {
    public UserTrigger {
      lacks = List.copyOf(lacks);
      reads = List.copyOf(reads);
    }

    /** What the operator should know of it, without its name; empty for most. */
    public List<String> cautions() {
      List<String> cautions = new ArrayList<>();
      if (!lacks.isEmpty()) {
        cautions.add(
            "calls "
                + String.join(", ", lacks)
                + ", which Marmot does not have: rows replicate, but the index that it keeps misses"
                + " on this node those that were written on other nodes, until the application"
                + " rebuilds it");
      }
      if (!reads.isEmpty()) {
        cautions.add(
            "reads "
                + String.join(", ", reads)
                + ": where the two are not written together, the index that it keeps may see other"
                + " rows there than it saw where the application wrote");
      }
      return cautions;
    }
  }

  /** Whether a trigger that runs everywhere reads other tables, so that these are written first. */
  public boolean readsOthers() {
    return userTriggers.stream().anyMatch(trigger -> !trigger.reads().isEmpty());
  }

  /** The same table under another number. */
  public TableSchema withId(long newId) {
    return new TableSchema(
        newId, name, keyKind, key, rowidName, columns, uniqueIndexes, userTriggers, nested);
  }

  /** The same table with what the triggers of the file mean for it. */
  TableSchema withTriggers(List<UserTrigger> triggers, boolean written) {
    return new TableSchema(
        id, name, keyKind, key, rowidName, columns, uniqueIndexes, triggers, nested || written);
  }

  /** The columns of this node's row images of the table. */
  public TableShape shape() {
    return new TableShape(
        name, keyKind == KeyKind.ROWID, key.stream().map(KeyColumn::name).toList(), columns);
  }
}
