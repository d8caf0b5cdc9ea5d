package dev.marmot.node.simulation;

import dev.marmot.node.replication.OriginOptions;
import dev.marmot.sqlite.CaptureLimits;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One run of a schedule. Immutable.
 *
 * @param failure what was found, empty when nothing was
 */
record Trial(Coverage coverage, Optional<Throwable> failure) {
  /** Runs a schedule, whatever comes of it. */
  static Trial of(Schedule schedule) {
    return of(new Simulation(schedule));
  }

  private static Trial of(Simulation simulation) {
    try {
      simulation.run();
      return new Trial(simulation.coverage(), Optional.empty());
    } catch (RuntimeException | Violation e) {
      return new Trial(simulation.coverage(), Optional.of(e));
    }
  }

  /** Runs a schedule with a real SQLite file beside each file in memory. */
  static Trial withTwins(Schedule schedule, Path directory) {
    Setup setup = schedule.setup();
    OriginOptions origin = setup.origin();
    OriginOptions whole =
        new OriginOptions(
            origin.window(),
            origin.windowBytes(),
            origin.gatherRows(),
            new CaptureLimits(50_000, 16 << 20),
            origin.inlineLimit(),
            origin.retryAfter());
    Simulation simulation =
        new Simulation(schedule.with(setup.with(whole).withoutPurging()), Optional.of(directory));
    try {
      return of(simulation);
    } finally {
      simulation.close();
    }
  }
}
