package dev.marmot.raft.ratis;

import dev.marmot.raft.NetworkFaults;
import org.apache.ratis.thirdparty.io.grpc.Status;

/** Why a stream to another node ended, in words for operators. Pure functions. */
final class CallFaults {
  private CallFaults() {}

  /**
   * The reason, and what to do where that is certain.
   *
   * @param greeted whether it was a node that answered
   */
  static String reason(Status status, String host, int port, boolean greeted) {
    String what = status.getDescription() == null ? "" : status.getDescription();
    Throwable cause = status.getCause();
    String all = what + (cause == null ? "" : ": " + cause.getMessage());
    if (NetworkFaults.unresolved(cause) || what.startsWith("Unable to resolve host")) {
      return NetworkFaults.unknownHost(host);
    }
    if (NetworkFaults.notConnected(cause)) {
      return all.contains("onnection refused")
          ? "nobody listens on port %d there (connection refused)".formatted(port)
          : "no connection to it (%s)".formatted(detail(cause));
    }
    if (status.getCode() == Status.Code.UNIMPLEMENTED || all.contains("http2 exception")) {
      return "what answers there is not the raft port of a node";
    }
    if (all.contains("Network closed for unknown reason")) {
      return greeted
          ? "the connection broke"
          : "it closed the connection without a greeting; is that the raft port of a node?";
    }
    return all.isEmpty() ? status.getCode().toString() : all;
  }

  private static String detail(Throwable cause) {
    return cause == null ? "unreachable" : String.valueOf(cause.getMessage());
  }
}
