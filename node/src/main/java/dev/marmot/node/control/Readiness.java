package dev.marmot.node.control;

import java.util.List;

/**
 * Whether a node replicates, and why not. Immutable.
 *
 * @param reasons sentences for the operator; empty when ready
 * @param warnings what a ready node does not do in full, such as rows that it cannot store
 */
public record Readiness(boolean ready, List<String> reasons, List<String> warnings) {
  public Readiness {
    reasons = List.copyOf(reasons);
    warnings = List.copyOf(warnings);
  }

  public static Readiness ok() {
    return new Readiness(true, List.of(), List.of());
  }

  public static Readiness notYet(String... reasons) {
    return new Readiness(false, List.of(reasons), List.of());
  }
}
