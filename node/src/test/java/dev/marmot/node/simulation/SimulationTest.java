package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class SimulationTest {
  private static final int LENGTH = 600;

  @Test
  void schedules_random_noViolation() {
    Coverage total = new Coverage();
    for (long seed = 0; seed < Integer.getInteger("schedules", 1000); seed++) {
      Simulation simulation = new Simulation(Schedule.of(seed, LENGTH));
      try {
        simulation.run();
      } catch (RuntimeException | Violation e) {
        throw new AssertionError("seed " + seed, e);
      }
      total.add(simulation.coverage());
    }
    System.out.println(total);
    assertThat(total.missing()).isEmpty();
  }
}
