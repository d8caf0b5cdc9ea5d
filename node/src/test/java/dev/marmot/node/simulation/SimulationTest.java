package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The protocol in random schedules. {@code -Dseed=} runs one again (with {@code -Dsteps=} for the
 * shrunk one), {@code -Dschedules=} sets how many run by default; long runs: scripts/simulate.
 */
final class SimulationTest {
  private static final int LENGTH = Integer.getInteger("length", 600);
  private static final int SCHEDULES = Integer.getInteger("schedules", 3_000);
  private static final int THREADS = 2;

  @Test
  void schedules_random_noViolationAndEverythingCovered() {
    Long seed = Long.getLong("seed");
    if (seed != null) {
      replay(seed);
      return;
    }
    List<Batch> batches =
        IntStream.range(0, THREADS).parallel().mapToObj(SimulationTest::batch).toList();
    batches.forEach(batch -> batch.failing().ifPresent(schedule -> fail(Report.of(schedule))));
    Coverage total = new Coverage();
    batches.forEach(batch -> total.add(batch.coverage()));
    System.out.println(total);
    assertThat(total.missing()).as("events that never happened").isEmpty();
  }

  private static void replay(long seed) {
    Schedule schedule = Schedule.of(seed, LENGTH);
    String steps = System.getProperty("steps");
    Schedule some = steps == null ? schedule : schedule.only(Schedule.numbers(steps));
    if (Trial.of(some).failure().isPresent()) {
      fail(Report.of(some));
    }
  }

  /** Schedules that run on one thread, each with nothing shared. */
  private static Batch batch(int thread) {
    Coverage coverage = new Coverage();
    for (long seed = thread; seed < SCHEDULES; seed += THREADS) {
      Schedule schedule = Schedule.of(seed, LENGTH);
      Trial trial = Trial.of(schedule);
      coverage.add(trial.coverage());
      if (trial.failure().isPresent()) {
        return new Batch(coverage, Optional.of(schedule));
      }
    }
    return new Batch(coverage, Optional.empty());
  }

  @Test
  void schedule_runTwice_sameCourse() {
    Map<Long, String> first = courses();
    assertThat(courses()).isEqualTo(first);
  }

  private static Map<Long, String> courses() {
    return LongStream.range(0, 5)
        .boxed()
        .collect(
            Collectors.toMap(
                seed -> seed, seed -> Trial.of(Schedule.of(seed, LENGTH)).coverage().toString()));
  }

  private record Batch(Coverage coverage, Optional<Schedule> failing) {}
}
