package dev.marmot.raft.ratis;

import dev.marmot.raft.NodeId;
import dev.marmot.raft.RemovedException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stops a node that was certainly removed, for good. Thread-safe. */
final class RemovalSignal {
  private static final Logger logger = LoggerFactory.getLogger(RemovalSignal.class);

  private final NodeId self;
  private final StateFile state;
  private final FailureSignal failures;

  RemovalSignal(NodeId self, StateFile state, FailureSignal failures) {
    this.self = self;
    this.state = state;
    this.failures = failures;
  }

  void removed() {
    try {
      state.change(builder -> builder.setRemoved(true));
    } catch (IOException e) {
      // It is told again when it stands for election.
      logger.atWarn().setCause(e).log("removal not written down");
    }
    failures.report(new RemovedException(self));
  }

  /** Refuses to start what was removed. */
  static void check(StateFile state, NodeId self) throws IOException {
    if (state.state().getRemoved()) {
      RemovedException removed = new RemovedException(self);
      throw new IOException("cannot start: " + removed.getMessage(), removed);
    }
  }
}
