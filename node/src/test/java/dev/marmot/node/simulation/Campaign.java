package dev.marmot.node.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Many schedules, on several threads which share nothing: seeds from one on, until there were
 * enough, the time is over, or too many failed. Immutable.
 *
 * @param mostFailures a thread stops when it has found so many
 */
record Campaign(long from, long count, int length, Duration time, int mostFailures) {
  private static final int THREADS = 2;

  /**
   * What came of it.
   *
   * @param schedules how many ran
   */
  record Outcome(long schedules, Coverage coverage, List<Schedule> failing) {
    private static Outcome together(Outcome one, Outcome other) {
      Coverage coverage = new Coverage();
      coverage.add(one.coverage);
      coverage.add(other.coverage);
      List<Schedule> failing = new ArrayList<>(one.failing);
      failing.addAll(other.failing);
      return new Outcome(one.schedules + other.schedules, coverage, failing);
    }
  }

  Outcome run() {
    long end = System.nanoTime() + time.toNanos();
    return IntStream.range(0, THREADS)
        .parallel()
        .mapToObj(thread -> run(thread, end))
        .reduce(new Outcome(0, new Coverage(), List.of()), Outcome::together);
  }

  private Outcome run(int thread, long end) {
    Coverage coverage = new Coverage();
    List<Schedule> failing = new ArrayList<>();
    long schedules = 0;
    for (long seed = from + thread;
        seed - from < count && System.nanoTime() < end && failing.size() < mostFailures;
        seed += THREADS) {
      Schedule schedule = Schedule.of(seed, length);
      Trial trial = Trial.of(schedule);
      coverage.add(trial.coverage());
      schedules++;
      if (trial.failure().isPresent()) {
        failing.add(schedule);
      }
    }
    return new Outcome(schedules, coverage, failing);
  }
}
