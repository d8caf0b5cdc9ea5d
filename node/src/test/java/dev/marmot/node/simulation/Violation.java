package dev.marmot.node.simulation;

import com.google.errorprone.annotations.FormatMethod;

/** An invariant does not hold. An error, so that the code under test cannot take it for its own. */
final class Violation extends AssertionError {
  private static final long serialVersionUID = 1L;

  Violation(String message) {
    super(message);
  }

  @FormatMethod
  static void check(boolean holds, String format, Object... values) {
    if (!holds) {
      throw new Violation(format.formatted(values));
    }
  }
}
