package dev.marmot.node.simulation;

/**
 * Hits the process of a node in the middle of what it does, at the n-th call of an interface: kills
 * it, makes that call fail, or lets another thread of the process run right there. Confined to the
 * simulation's thread.
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

  private int callsLeft;
  private Runnable strike = () -> {};
  private int turnsLeft;
  private Runnable turn = () -> {};

  /** The process dies at this call from now on, counted from 1. */
  void killAfter(int calls) {
    callsLeft = calls;
    strike =
        () -> {
          throw new Killed();
        };
  }

  /** This call from now on fails, counted from 1. */
  void failAfter(int calls) {
    callsLeft = calls;
    strike =
        () -> {
          throw new Failure();
        };
  }

  /** Another thread does something just before this call from now on, counted from 1. */
  void interleaveAfter(int calls, Runnable otherThread) {
    turnsLeft = calls;
    turn = otherThread;
  }

  /** Nothing is going to happen. */
  void disarm() {
    callsLeft = 0;
    turnsLeft = 0;
  }

  /** Each call of an interface passes here, before it takes effect and perhaps after. */
  void pass() {
    switchThreads();
    if (callsLeft > 0 && --callsLeft == 0) {
      strike.run();
    }
  }

  /** A call that cannot fail passes here: another thread may run before it all the same. */
  void switchThreads() {
    if (turnsLeft > 0 && --turnsLeft == 0) {
      turn.run();
    }
  }
}
