package dev.marmot.node.simulation;

/**
 * Hits the process of a node in the middle of what it does, at the n-th call of an interface: kills
 * it, or makes that call fail. Confined to the simulation's thread.
 */
final class Hazard {
  /** The process is gone. An error, so that the code under test does not handle it. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** A call fails as a full disk makes it fail: the process goes on and tries again. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failure() {
      super("simulated failure", null, false, false);
    }
  }

  private int callsLeft = -1;
  private boolean kills;

  /** The process dies at this call from now on, counted from 1. */
  void killAfter(int calls) {
    callsLeft = calls;
    kills = true;
  }

  /** This call from now on fails, counted from 1. */
  void failAfter(int calls) {
    callsLeft = calls;
    kills = false;
  }

  void disarm() {
    callsLeft = -1;
  }

  /** Each call of an interface passes here, before it takes effect and after. */
  void pass() {
    if (callsLeft > 0 && --callsLeft == 0) {
      callsLeft = -1;
      if (kills) {
        throw new Killed();
      }
      throw new Failure();
    }
  }
}
