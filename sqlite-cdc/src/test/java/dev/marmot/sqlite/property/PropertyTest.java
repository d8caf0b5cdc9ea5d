package dev.marmot.sqlite.property;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random schemas and statements. With hooks every statement gives what it gives without them, and
 * another replica gets the same content. {@code -Dseed=N} runs one seed again; scripts/properties
 * runs many.
 */
final class PropertyTest {
  private static final long FIRST_SEED = 40_000;
  private static final int MOST_SEEDS = 60;
  private static final Duration LIMIT = Duration.ofSeconds(10);

  @TempDir Path directory;

  @Test
  void hooksChangeNothingForTheApplication_andReplicasAreEqual() throws Exception {
    Long one = Long.getLong("seed");
    if (one != null) {
      assertThat(Seeds.failure(one, directory)).isEmpty();
      return;
    }
    long end = System.nanoTime() + LIMIT.toNanos();
    int run = 0;
    while (run < MOST_SEEDS && (run == 0 || System.nanoTime() < end)) {
      assertThat(Seeds.failure(FIRST_SEED + run, directory)).isEmpty();
      run++;
    }
    assertThat(run).isPositive();
  }

  /** A property that nothing can break proves nothing: here what the hooks logged is lost. */
  @Test
  void withoutTheLog_replicasDiffer() throws Exception {
    Plan plan =
        new Plan(
            true,
            List.of("CREATE TABLE t(id INTEGER PRIMARY KEY, v)"),
            List.of(),
            List.of(),
            List.of(
                new Plan.Step(1, "INSERT INTO t VALUES(1,1)"),
                new Plan.Step(1, Plan.Step.PUBLISH),
                new Plan.Step(1, "UPDATE t SET v=2"),
                new Plan.Step(1, "INSERT INTO t VALUES(2,2)"),
                // Its end stays: a log that ends earlier than before would be taken for an older
                // copy.
                new Plan.Step(
                    1,
                    "DELETE FROM __marmot_change_log"
                        + " WHERE seq<(SELECT max(seq) FROM __marmot_change_log)")));
    assertThat(Trial.failure(plan, directory)).get().asString().contains("statement differs");
    Plan several = new Plan(false, plan.schema(), plan.settings(), plan.searches(), plan.steps());
    assertThat(Trial.failure(several, directory)).get().asString().contains("replicas differ");
  }
}
