package dev.marmot.sqlite.property;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * What one trial does. Immutable.
 *
 * @param twin node 1 alone writes, and so does a plain file without hooks; otherwise all nodes
 *     write
 * @param settings pragmas of every application's connection
 * @param searches queries whose rows must be the same on all nodes
 */
record Plan(
    boolean twin,
    List<String> schema,
    List<String> settings,
    List<String> searches,
    List<Step> steps) {
  private static final int STATEMENTS = 60;

  Plan {
    schema = List.copyOf(schema);
    settings = List.copyOf(settings);
    searches = List.copyOf(searches);
    steps = List.copyOf(steps);
  }

  /**
   * One statement of a node's application, or what its node does.
   *
   * @param sql {@link #PUBLISH}, {@link #REOPEN} or a statement
   */
  record Step(int node, String sql) {
    static final String PUBLISH = "-- publish";
    static final String REOPEN = "-- reopen";

    @Override
    public String toString() {
      return node + " " + sql;
    }
  }

  static Plan of(long seed) throws SQLException {
    Dice dice = new Dice(seed);
    RandomSchema schema = new RandomSchema(dice);
    boolean twin = dice.oneIn(2);
    RandomStatement statements = new RandomStatement(dice, schema, twin);
    List<Step> steps = new ArrayList<>();
    int node = 1;
    int length = 1 + dice.below(STATEMENTS);
    while (steps.size() < length) {
      for (String sql : statements.next()) {
        steps.add(new Step(node, sql));
      }
      if (dice.oneIn(10)) {
        steps.add(new Step(node, Step.PUBLISH));
        if (dice.oneIn(4)) {
          steps.add(new Step(1 + dice.below(2), Step.REOPEN));
        }
        node = twin ? 1 : 1 + dice.below(2);
      }
    }
    return new Plan(twin, accepted(schema.ddl), schema.settings, schema.searches, steps);
  }

  Plan with(List<String> newSchema, List<Step> newSteps) {
    return new Plan(twin, newSchema, settings, searches, newSteps);
  }

  /** Without what SQLite itself does not accept: an index on a table that could not be made. */
  private static List<String> accepted(List<String> ddl) throws SQLException {
    List<String> accepted = new ArrayList<>();
    try (Connection scratch = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement statement = scratch.createStatement()) {
      for (String sql : ddl) {
        if (accepts(statement, sql)) {
          accepted.add(sql);
        }
      }
    }
    return accepted;
  }

  private static boolean accepts(Statement statement, String sql) {
    try {
      statement.execute(sql);
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  /** As text from which a regression test can be made. */
  String text() {
    StringBuilder text = new StringBuilder(twin ? "node 1 and a twin\n" : "several writers\n");
    schema.forEach(sql -> text.append("schema  ").append(sql).append('\n'));
    settings.forEach(sql -> text.append("setting ").append(sql).append('\n'));
    steps.forEach(step -> text.append("step    ").append(step).append('\n'));
    return text.toString();
  }
}
