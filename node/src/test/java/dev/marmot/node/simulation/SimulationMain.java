package dev.marmot.node.simulation;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The long run: schedules from a seed on, for some time, with the coverage of events at the end.
 */
public final class SimulationMain {
  private SimulationMain() {}

  /** Exit code 0: no violation; 1: a violation, with its seed and a shrunk schedule; 2: usage. */
  public static void main(String[] args) {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) {
      options.put(args[i], args[i + 1]);
    }
    int length = Integer.parseInt(options.getOrDefault("--length", "600"));
    if (options.containsKey("--seed")) {
      System.exit(replay(options, length));
    }
    long seed = Long.parseLong(options.getOrDefault("--from", "0"));
    long count = Long.parseLong(options.getOrDefault("--count", String.valueOf(Long.MAX_VALUE)));
    Duration time = Duration.ofMinutes(Long.parseLong(options.getOrDefault("--minutes", "1")));
    System.exit(run(seed, count, length, time));
  }

  private static int replay(Map<String, String> options, int length) {
    Schedule schedule = Schedule.of(Long.parseLong(options.get("--seed")), length);
    String steps = options.get("--steps");
    if (steps != null) {
      schedule = schedule.only(Schedule.numbers(steps));
    }
    Trial trial = Trial.of(schedule);
    if (trial.failure().isEmpty()) {
      System.out.println("no violation");
      return 0;
    }
    System.out.println(Report.of(schedule));
    trial.failure().get().printStackTrace(System.out);
    return 1;
  }

  private static int run(long from, long count, int length, Duration time) {
    Coverage total = new Coverage();
    long end = System.nanoTime() + time.toNanos();
    int failures = 0;
    long seed = from;
    for (; seed - from < count && System.nanoTime() < end && failures < 5; seed++) {
      Schedule schedule = Schedule.of(seed, length);
      Trial trial = Trial.of(schedule);
      total.add(trial.coverage());
      if (trial.failure().isPresent()) {
        failures++;
        System.out.println(Report.of(schedule));
      }
    }
    System.out.println(total);
    System.out.printf(
        "%,d schedules from seed %d on, %d failures, events that never happened: %s%n",
        seed - from, from, failures, total.missing());
    return failures == 0 ? 0 : 1;
  }
}
