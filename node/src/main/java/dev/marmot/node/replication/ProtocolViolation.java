package dev.marmot.node.replication;

/**
 * Something that the protocol rules out has happened: a bug, or damaged data. The node stops
 * replicating rather than going on with a wrong state; retrying is no use.
 */
public final class ProtocolViolation extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ProtocolViolation(String message) {
    super(message);
  }

  public ProtocolViolation(String message, Throwable cause) {
    super(message, cause);
  }
}
