package dev.marmot.node.simulation;

import java.util.Optional;

/**
 * One run of a schedule. Immutable.
 *
 * @param failure what was found, empty when nothing was
 */
record Trial(Coverage coverage, Optional<Throwable> failure) {
  /** Runs a schedule, whatever comes of it. */
  static Trial of(Schedule schedule) {
    Simulation simulation = new Simulation(schedule);
    try {
      simulation.run();
      return new Trial(simulation.coverage(), Optional.empty());
    } catch (RuntimeException | Violation e) {
      return new Trial(simulation.coverage(), Optional.of(e));
    }
  }
}
