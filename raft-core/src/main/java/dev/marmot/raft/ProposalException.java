package dev.marmot.raft;

/** A proposal that was not acknowledged as committed. */
public final class ProposalException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What became of the entry. */
  public enum Outcome {
    /** Not proposed: retry is safe and cannot duplicate. */
    NOT_PROPOSED,
    /** It may be committed, now or later: a retry may duplicate it. */
    UNKNOWN
  }

  private final Outcome outcome;

  public ProposalException(Outcome outcome, String message) {
    super(message);
    this.outcome = outcome;
  }

  public ProposalException(Outcome outcome, String message, Throwable cause) {
    super(message, cause);
    this.outcome = outcome;
  }

  public Outcome outcome() {
    return outcome;
  }
}
