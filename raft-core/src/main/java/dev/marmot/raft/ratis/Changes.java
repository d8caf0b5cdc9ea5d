package dev.marmot.raft.ratis;

import dev.marmot.raft.ChangeException;
import dev.marmot.raft.ChangeException.Outcome;
import dev.marmot.raft.PeerCallException;
import java.util.concurrent.CompletionException;

/** What a change says when another node was needed for it and did not answer. Pure functions. */
final class Changes {
  private Changes() {}

  /**
   * The outcome is unknown when the node may have heard of it.
   *
   * @param what was not done, and up to whom it was, ending in a colon and a blank
   */
  static ChangeException unanswered(String what, Throwable failure) {
    boolean never = failure instanceof PeerCallException call && !call.mayHaveArrived();
    return new ChangeException(
        never ? Outcome.NOT_NOW : Outcome.UNKNOWN, what + reason(failure) + "; try again", failure);
  }

  /** Why, without the name of the internal call. */
  static String reason(Throwable failure) {
    Throwable root = root(failure);
    return root instanceof PeerCallException call
        ? call.reason()
        : String.valueOf(root.getMessage());
  }

  static Throwable root(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
