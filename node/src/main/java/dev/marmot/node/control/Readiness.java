package dev.marmot.node.control;

import java.util.List;

/**
 * Whether a node replicates, and why not. Immutable.
 *
 * @param reasons sentences for the operator; empty when ready
 */
public record Readiness(boolean ready, List<String> reasons) {
  public Readiness {
    reasons = List.copyOf(reasons);
  }

  public static Readiness ok() {
    return new Readiness(true, List.of());
  }

  public static Readiness notYet(String... reasons) {
    return new Readiness(false, List.of(reasons));
  }
}
