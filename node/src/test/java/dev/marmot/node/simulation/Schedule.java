package dev.marmot.node.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What is going to happen, as a function of a seed. Each step has a seed of its own, so that the
 * other steps stay what they are when one is left out. Immutable.
 *
 * @param seed everything was drawn from it
 * @param kept which of the steps of the whole schedule these are
 */
record Schedule(long seed, Setup setup, List<Step> steps, List<Integer> kept) {
  /** Something that happens at a node, or to the logs. */
  record Step(int number, Action action, int node, long seed) {
    @Override
    public String toString() {
      return "%4d %s n%d".formatted(number, action.name().toLowerCase(Locale.ROOT), node);
    }
  }

  /** What may happen, and how often. */
  enum Action {
    NETWORK(240),
    TRANSACTION(100),
    ORIGIN(160),
    DELIVER(90),
    DELIVER_AND_APPLY(90),
    APPLY(120),
    SYNC(20),
    ELECTION(25),
    FENCE(8),
    RECORD_BY_OTHER(12),
    CRASH(6),
    POWER_LOSS(10),
    KILL_INSIDE(14),
    CALL_FAILS(10),
    INTERLEAVE(60),
    START(28),
    CUT(8),
    SUSPICION(3),
    INSTALL(60),
    DEATH(8);

    private final int weight;

    Action(int weight) {
      this.weight = weight;
    }

    private static final int TOTAL = IntStream.of(weights()).sum();

    private static int[] weights() {
      return java.util.Arrays.stream(values()).mapToInt(action -> action.weight).toArray();
    }

    private static Action draw(SplittableRandom random) {
      int at = random.nextInt(TOTAL);
      for (Action action : values()) {
        at -= action.weight;
        if (at < 0) {
          return action;
        }
      }
      throw new IllegalStateException("weights do not add up");
    }
  }

  /** The schedule of a seed. */
  static Schedule of(long seed, int length) {
    SplittableRandom random = new SplittableRandom(seed);
    Setup setup = Setup.random(random);
    List<Step> steps = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      Action action = Action.draw(random);
      steps.add(new Step(i, action, 1 + random.nextInt(setup.nodes()), random.nextLong()));
    }
    return new Schedule(seed, setup, steps, IntStream.range(0, length).boxed().toList());
  }

  /** Step numbers as a report prints them. */
  static List<Integer> numbers(String steps) {
    return Stream.of(steps.split(",", -1)).map(Integer::valueOf).toList();
  }

  /** The same schedule with another setup. */
  Schedule with(Setup other) {
    return new Schedule(seed, other, steps, kept);
  }

  /** The same schedule with some of its steps only. */
  Schedule only(List<Integer> numbers) {
    List<Step> some = steps.stream().filter(step -> numbers.contains(step.number())).toList();
    return new Schedule(seed, setup, some, some.stream().map(Step::number).toList());
  }
}
