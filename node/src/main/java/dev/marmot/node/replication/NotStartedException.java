package dev.marmot.node.replication;

/** The node cannot do it yet: it is starting, or waits for a snapshot. Trying again is safe. */
public final class NotStartedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  NotStartedException(String message) {
    super(message);
  }
}
