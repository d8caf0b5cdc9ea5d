package dev.marmot.node.replication;

/**
 * The SQLite file was set back to an older copy of itself. Nothing was applied or sent; starting
 * again is of no use before the operator has put the right file there, or adopts.
 */
public final class OlderCopyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public OlderCopyException(String message) {
    super(message);
  }
}
