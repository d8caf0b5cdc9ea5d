package dev.marmot.node.control;

import dev.marmot.node.control.ControlException.Kind;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;

/** Brings failures into the one form that both transports translate. Pure functions. */
final class Faults {
  /** In every refusal of a pane, so that a client knows it from what the network says. */
  static final String ANSWER_NAME = "marmot-answer";

  static final Metadata.Key<String> ANSWER =
      Metadata.Key.of(ANSWER_NAME, Metadata.ASCII_STRING_MARSHALLER);

  private Faults() {}

  static ControlException of(Throwable thrown) {
    Throwable cause = thrown;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof ControlException known) {
      return known;
    }
    if (cause instanceof TimeoutException) {
      return new ControlException(Kind.TIMEOUT, String.valueOf(cause.getMessage()), cause);
    }
    if (cause instanceof RejectedExecutionException) {
      return new ControlException(
          Kind.BUSY, "cannot answer now: too many requests wait; try again later", cause);
    }
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return new ControlException(Kind.FAILED, message, cause);
  }

  static StatusRuntimeException toGrpc(Throwable thrown) {
    ControlException fault = of(thrown);
    Metadata trailers = new Metadata();
    trailers.put(ANSWER, fault.kind().name());
    return Status.fromCode(fault.kind().grpc())
        .withDescription(fault.getMessage())
        .withCause(fault)
        .asRuntimeException(trailers);
  }
}
