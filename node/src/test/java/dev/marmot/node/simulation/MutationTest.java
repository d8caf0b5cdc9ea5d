package dev.marmot.node.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.replication.ProtocolRules.Rule;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulation can find bugs: it notices when a rule of the protocol is left out. */
final class MutationTest {
  private static final int SCHEDULES = 400;
  private static final int LENGTH = 600;

  @ParameterizedTest
  @EnumSource(Rule.class)
  void rule_leftOut_isFound(Rule rule) {
    assertThat(firstFailure(setup -> setup.without(leftOut(rule)))).isPresent();
  }

  /**
   * A node whose logs begin behind its position is held back twice: by its own floor, and because
   * it cannot read what it would apply next. The first alone is not missed.
   */
  private static Set<Rule> leftOut(Rule rule) {
    return rule == Rule.OWN_FLOOR_HOLDS_BACK ? Set.of(rule, Rule.READ_SAYS_WHICH) : Set.of(rule);
  }

  @ParameterizedTest
  @EnumSource(Sabotage.class)
  void sabotage_isFound(Sabotage broken) {
    assertThat(firstFailure(setup -> setup.with(broken))).isPresent();
  }

  private static Optional<Long> firstFailure(UnaryOperator<Setup> change) {
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Schedule schedule = Schedule.of(seed, LENGTH);
      if (Trial.of(schedule.with(change.apply(schedule.setup()))).failure().isPresent()) {
        return Optional.of(seed);
      }
    }
    return Optional.empty();
  }
}
