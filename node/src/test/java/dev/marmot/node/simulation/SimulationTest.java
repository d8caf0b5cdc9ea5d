package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The protocol in random schedules. {@code -Dseed=} runs one again (with {@code -Dsteps=} the
 * shrunk one), {@code -Dschedules=} sets how many run by default; long runs: scripts/simulate.
 */
final class SimulationTest {
  private static final int LENGTH = Integer.getInteger("length", 600);
  private static final int SCHEDULES = Integer.getInteger("schedules", 3_000);

  @Test
  void schedules_random_noViolationAndEverythingCovered() {
    Long seed = Long.getLong("seed");
    if (seed != null) {
      replay(Schedule.of(seed, LENGTH));
      return;
    }
    Campaign.Outcome outcome = new Campaign(0, SCHEDULES, LENGTH, Duration.ofMinutes(30), 1).run();
    outcome.failing().stream().findFirst().ifPresent(schedule -> fail(Report.of(schedule)));
    System.out.println(outcome.coverage());
    assertThat(outcome.coverage().missing()).as("events that never happened").isEmpty();
  }

  private static void replay(Schedule schedule) {
    String steps = System.getProperty("steps");
    Schedule some = steps == null ? schedule : schedule.only(Schedule.numbers(steps));
    if (Trial.of(some).failure().isPresent()) {
      fail(Report.of(some));
    }
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
}
