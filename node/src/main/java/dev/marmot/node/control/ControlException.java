package dev.marmot.node.control;

import io.grpc.Status;

/** A request to the control pane that was not done; {@link Kind} says whether to repeat it. */
public final class ControlException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Kind kind;

  public ControlException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public ControlException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }

  /** Why, and how each transport says it. */
  public enum Kind {
    /** The request itself is wrong; repeating it is futile. */
    INVALID(400, Status.Code.INVALID_ARGUMENT),
    /** The secret is missing or wrong. */
    UNAUTHENTICATED(401, Status.Code.UNAUTHENTICATED),
    /** Not from there. */
    FORBIDDEN(403, Status.Code.PERMISSION_DENIED),
    /** Too many requests wait; repeat later. */
    BUSY(429, Status.Code.RESOURCE_EXHAUSTED),
    /** It was not done because of something in the node. */
    FAILED(500, Status.Code.INTERNAL),
    /** It may have been done or not. */
    UNKNOWN_OUTCOME(500, Status.Code.UNKNOWN),
    /** The node is not there or not ready; safe to repeat. */
    UNAVAILABLE(503, Status.Code.UNAVAILABLE),
    /** It was not done in time and left nothing behind; safe to repeat. */
    TIMEOUT(504, Status.Code.DEADLINE_EXCEEDED);

    private final int http;
    private final Status.Code grpc;

    Kind(int http, Status.Code grpc) {
      this.http = http;
      this.grpc = grpc;
    }

    int http() {
      return http;
    }

    Status.Code grpc() {
      return grpc;
    }

    /** The other way round; what a node never says means failed. */
    static Kind of(Status.Code code) {
      for (Kind kind : values()) {
        if (kind.grpc == code) {
          return kind;
        }
      }
      return FAILED;
    }
  }
}
