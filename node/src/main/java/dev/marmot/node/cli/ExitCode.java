package dev.marmot.node.cli;

import dev.marmot.node.config.InvalidConfigException;
import dev.marmot.node.control.ControlException;
import dev.marmot.raft.RemovedException;

/** What the process says to a script at its end. */
enum ExitCode {
  OK(0),
  FAILED(1),
  USAGE(2),
  UNAVAILABLE(3),
  UNKNOWN_OUTCOME(4),
  FINDINGS(5),
  REMOVED(6);

  private final int number;

  ExitCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  static ExitCode of(Throwable thrown) {
    if (thrown instanceof InvalidConfigException) {
      return USAGE;
    }
    if (thrown instanceof ControlException fault) {
      return switch (fault.kind()) {
        case INVALID -> USAGE;
        case UNAVAILABLE, TIMEOUT, BUSY -> UNAVAILABLE;
        case UNKNOWN_OUTCOME -> UNKNOWN_OUTCOME;
        case UNAUTHENTICATED, FORBIDDEN, FAILED -> FAILED;
      };
    }
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof RemovedException) {
        return REMOVED;
      }
    }
    return FAILED;
  }
}
