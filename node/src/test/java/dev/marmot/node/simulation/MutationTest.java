package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.replication.ProtocolRules.Rule;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulation can find bugs: it notices when a rule of the protocol is left out. */
final class MutationTest {
  private static final int FIRST = 60;
  private static final int SCHEDULES = 800;
  private static final int LENGTH = 600;

  @ParameterizedTest
  @EnumSource(Rule.class)
  void rule_leftOut_isFound(Rule rule) {
    assertThat(found(setup -> setup.without(Set.of(rule)))).isTrue();
  }

  @ParameterizedTest
  @EnumSource(Sabotage.class)
  void sabotage_isFound(Sabotage broken) {
    assertThat(found(setup -> setup.with(broken))).isTrue();
  }

  /** Most are found among the first; the rest is shared by all processors. */
  private static boolean found(UnaryOperator<Setup> change) {
    return LongStream.range(0, FIRST).anyMatch(seed -> fails(seed, change))
        || LongStream.range(FIRST, SCHEDULES).parallel().anyMatch(seed -> fails(seed, change));
  }

  private static boolean fails(long seed, UnaryOperator<Setup> change) {
    Schedule schedule = Schedule.of(seed, LENGTH);
    return Trial.of(schedule.with(change.apply(schedule.setup()))).failure().isPresent();
  }
}
