package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The long run of scripts/simulate; not part of the ordinary build. */
final class LongSimulation {
  @Test
  void schedules_forSomeTime_noViolationAndEverythingCovered() {
    long from = Long.getLong("from", System.currentTimeMillis() * 1_000);
    long count = Long.getLong("count", Long.MAX_VALUE / 2);
    int length = Integer.getInteger("length", 600);
    Duration time = Duration.ofMinutes(Integer.getInteger("minutes", 10));
    Campaign.Outcome outcome = new Campaign(from, count, length, time, 3).run();
    System.out.println(outcome.coverage());
    System.out.printf("%,d schedules from seed %d on%n", outcome.schedules(), from);
    if (!outcome.failing().isEmpty()) {
      fail(outcome.failing().stream().map(Report::of).collect(Collectors.joining("\n")));
    }
    assertThat(outcome.coverage().missing()).as("events that never happened").isEmpty();
  }
}
