package dev.marmot.raft;

/** A call to another node that was not answered, or was answered with an error. */
public final class PeerCallException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What became of the call. */
  public enum Arrival {
    /** The other node has certainly not seen it: a retry cannot repeat its effect. */
    NOT_ARRIVED,
    /** Nobody knows whether the other node has seen it. */
    UNKNOWN,
    /** The other node has seen it, and answered with an error. */
    REFUSED
  }

  private final String reason;
  private final Arrival arrival;

  /**
   * Keeps both.
   *
   * @param call what was not done, beginning with "cannot"
   * @param reason why not
   */
  public PeerCallException(String call, String reason, Arrival arrival) {
    super(call + ": " + reason);
    this.reason = reason;
    this.arrival = arrival;
  }

  /** Why, without what was called. */
  public String reason() {
    return reason;
  }

  public Arrival arrival() {
    return arrival;
  }

  /**
   * False when the other node has certainly not seen the call: a retry cannot repeat its effect.
   */
  public boolean mayHaveArrived() {
    return arrival != Arrival.NOT_ARRIVED;
  }
}
