package dev.marmot.node;

import dev.marmot.node.control.ControlPlane;

/** A node that was started. Implementations are thread-safe. */
public interface RunningNode extends AutoCloseable {
  /** What the control pane asks; answers from the moment of the start. */
  ControlPlane control();

  /**
   * Returns when the node was closed; throws what stopped it when it stopped by itself.
   *
   * @throws InterruptedException when the waiting thread is interrupted
   */
  void awaitTermination() throws InterruptedException;

  /** Stops taking part. Idempotent. */
  @Override
  void close();
}
