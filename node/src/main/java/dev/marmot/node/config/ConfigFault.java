package dev.marmot.node.config;

/** One value that cannot be used. Immutable. */
public record ConfigFault(String key, String problem, String value) {
  /** {@code key: problem (got value)}. */
  @Override
  public String toString() {
    return key + ": " + problem + " (got " + (value.isEmpty() ? "nothing" : value) + ")";
  }
}
