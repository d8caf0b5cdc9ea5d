package dev.marmot.raft;

/** A call to another node that was not answered, or was answered with an error. */
public final class PeerCallException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean mayHaveArrived;

  public PeerCallException(String message, boolean mayHaveArrived) {
    super(message);
    this.mayHaveArrived = mayHaveArrived;
  }

  /**
   * False when the other node has certainly not seen the call: a retry cannot repeat its effect.
   */
  public boolean mayHaveArrived() {
    return mayHaveArrived;
  }
}
