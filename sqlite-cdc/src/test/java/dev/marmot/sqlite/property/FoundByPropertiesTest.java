package dev.marmot.sqlite.property;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.property.Plan.Step;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What random schemas and statements found, shrunk; each failed once. */
final class FoundByPropertiesTest {
  @TempDir Path directory;

  /** Seed 23: the nested insert's trigger forgot what the outer REPLACE had noted. */
  @Test
  void seed23_insertNestedInReplace() throws Exception {
    check(
        List.of(
            "CREATE TABLE t(k TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, e UNIQUE, o DEFAULT (1+2)"
                + " UNIQUE, b)",
            "CREATE TRIGGER x BEFORE INSERT ON t BEGIN INSERT OR IGNORE INTO t(k,b)"
                + " VALUES(NEW.k||'x',4); END"),
        "INSERT OR IGNORE INTO t(k,e,o,b) VALUES('a',2,2,1),(zeroblob(600),'a',6,3)",
        Step.PUBLISH,
        "REPLACE INTO t(k,e) VALUES(1,'a'),('d',0),('a',CAST(x'610062' AS TEXT))");
  }

  /** The expression of a partial index fails for rows that the index leaves out. */
  @Test
  void expressionThatFailsOutsideItsPartialIndex() throws Exception {
    check(
        List.of(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, doc)",
            "CREATE UNIQUE INDEX i ON t(json_extract(doc,'$.a')) WHERE json_valid(doc)"),
        "INSERT INTO t VALUES(1,'no json'),(2,'{\"a\":1}')",
        Step.PUBLISH,
        "INSERT OR REPLACE INTO t VALUES(3,'{\"a\":1}'),(4,'nor this')",
        "UPDATE t SET doc='{' WHERE id=3");
  }

  /**
   * Seed 5678: user triggers came back behind ours, so they fired first, and OR FAIL ended the
   * statement before ours logged the row that it keeps.
   */
  @Test
  void seed5678_orFailAfterTheTriggersWereSuspended() throws Exception {
    List<String> schema =
        List.of(
            "CREATE TABLE t(k PRIMARY KEY, n NOT NULL ON CONFLICT IGNORE, o, x INTEGER)"
                + " WITHOUT ROWID",
            "CREATE TRIGGER y AFTER INSERT ON t BEGIN"
                + " INSERT OR IGNORE INTO t(k,x) VALUES(NEW.o||'x',9007199254740992.0); END");
    List<Step> steps =
        List.of(
            new Step(1, "INSERT OR FAIL INTO t(k,n) VALUES(0,0)"),
            new Step(2, "INSERT INTO t VALUES(2,'b',0,'c'),(3,'c',5,'a '),('a',1,6,3)"),
            new Step(
                2, "INSERT OR FAIL INTO t SELECT k+1,o+1,k,n FROM t ORDER BY quote(k) LIMIT 4"));
    Plan plan = new Plan(false, schema, List.of(), List.of(), steps);
    assertThat(Trial.failure(plan, directory)).isEmpty();
  }

  private void check(List<String> schema, String... statements) throws Exception {
    List<Step> steps = Arrays.stream(statements).map(sql -> new Step(1, sql)).toList();
    for (boolean twin : new boolean[] {true, false}) {
      Plan plan = new Plan(twin, schema, List.of(), List.of(), steps);
      assertThat(Trial.failure(plan, directory)).isEmpty();
    }
  }
}
