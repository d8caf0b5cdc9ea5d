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

  private void check(List<String> schema, String... statements) throws Exception {
    List<Step> steps = Arrays.stream(statements).map(sql -> new Step(1, sql)).toList();
    for (boolean twin : new boolean[] {true, false}) {
      Plan plan = new Plan(twin, schema, List.of(), List.of(), steps);
      assertThat(Trial.failure(plan, directory)).isEmpty();
    }
  }
}
