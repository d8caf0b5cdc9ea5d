package dev.marmot.raft;

/**
 * A change of leaders, shards or members that was not confirmed, and that may be asked for again. A
 * change that can never be made fails with another exception.
 */
public final class ChangeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What became of the change. */
  public enum Outcome {
    /** Not made, because a node or a majority is not there now. */
    NOT_NOW,
    /** It may have been made, in whole or in part. */
    UNKNOWN
  }

  private final Outcome outcome;

  public ChangeException(Outcome outcome, String message) {
    super(message);
    this.outcome = outcome;
  }

  public ChangeException(Outcome outcome, String message, Throwable cause) {
    super(message, cause);
    this.outcome = outcome;
  }

  public Outcome outcome() {
    return outcome;
  }
}
