package dev.marmot.node.simulation;

import java.util.stream.Collectors;

/** What a failing schedule says to whoever has to mend it. */
final class Report {
  private static final int SHRINK_TRIALS = 3_000;

  private Report() {}

  /** Shrinks a failing schedule and tells how to run it again. */
  static String of(Schedule failing) {
    Schedule shrunk = Shrinker.shrink(failing, SHRINK_TRIALS);
    Throwable failure =
        Trial.of(shrunk)
            .failure()
            .orElseThrow(() -> new IllegalStateException("the schedule fails no more"));
    return """
        seed %d fails: %s
        %d of %d steps are enough, with %s:
        %s
        again: scripts/simulate --seed %d --length %d --steps %s
        """
        .formatted(
            failing.seed(),
            failure,
            shrunk.steps().size(),
            failing.steps().size(),
            shrunk.setup(),
            shrunk.steps().stream().map(Object::toString).collect(Collectors.joining("\n")),
            failing.seed(),
            failing.steps().size(),
            shrunk.kept().stream().map(Object::toString).collect(Collectors.joining(",")));
  }
}
