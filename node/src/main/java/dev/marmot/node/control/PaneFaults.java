package dev.marmot.node.control;

import dev.marmot.node.config.Address;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneProbe.Found;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * What became of a call to a control pane that failed: what the node itself said, or what the
 * network did to it. Immutable.
 *
 * @param changes whether the call changes something, so that without an answer nobody knows whether
 *     it was done
 */
record PaneFaults(Address pane, boolean changes, Duration timeout) {
  /**
   * Translates.
   *
   * @param look what answers there now; asked only when the failure does not say it
   */
  ControlException of(StatusRuntimeException failure, Supplier<Found> look) {
    Status status = failure.getStatus();
    Metadata trailers = failure.getTrailers();
    if (trailers != null && trailers.containsKey(Faults.ANSWER)) {
      return new ControlException(
          Kind.of(status.getCode()), String.valueOf(status.getDescription()), failure);
    }
    return switch (look.get()) {
      case OTHER ->
          new ControlException(
              Kind.INVALID,
              "cannot ask %s: what answers there is not a control pane of Marmot; give --pane the"
                      .formatted(pane)
                  + " bind-pane of a node, not its bind (the raft port)",
              failure);
      case SILENT ->
          unanswered(
              "it takes connections, but does not answer; see that it is the bind-pane of a node,"
                  + " and that the node is not stuck",
              failure);
      case NOBODY -> unanswered("it ended before it answered; start it again", failure);
      case PANE ->
          status.getCode() == Status.Code.UNIMPLEMENTED
              ? new ControlException(
                  Kind.FAILED,
                  "cannot ask %s: the node there is of another version and does not know this;"
                          .formatted(pane)
                      + " use the same version as the node",
                  failure)
              : unanswered(
                  "the connection broke, or %d s passed".formatted(timeout.toSeconds()), failure);
    };
  }

  /** Nothing takes connections there, so that nothing was sent. */
  ControlException nobody() {
    return new ControlException(
        Kind.UNAVAILABLE,
        "cannot reach a node at %s: nobody takes connections there; is the node running, and is"
                .formatted(pane)
            + " this its bind-pane?");
  }

  private ControlException unanswered(String why, Throwable failure) {
    return changes
        ? new ControlException(
            Kind.UNKNOWN_OUTCOME,
            "cannot tell whether it was done: the node at %s did not confirm it: %s; look with"
                    .formatted(pane, why)
                + " `marmot status`, then repeat the command, which is safe",
            failure)
        : new ControlException(
            Kind.UNAVAILABLE,
            "cannot get an answer from the node at %s: %s; try again".formatted(pane, why),
            failure);
  }
}
