package dev.marmot.raft;

import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the network refused, in words that say what to do. Pure functions. */
public final class NetworkFaults {
  private NetworkFaults() {}

  /**
   * Why a port cannot be listened on, and what to do.
   *
   * @param option what the operator changes to listen elsewhere
   */
  public static String listening(String option, String host, int port, Throwable failure) {
    String why = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    if (unresolved(failure) || why.contains("unresolved address")) {
      return unknownHost(host) + ", or give " + option + " an IP address of this machine";
    }
    if (why.contains("cannot assign requested address") || why.contains("can't assign")) {
      return "%s is not an address of this machine; give %s one that is, or 0.0.0.0 for all"
          .formatted(host, option);
    }
    if (why.contains("permission denied")) {
      return "this user may not use port %d%s; give %s a port from 1024, or the process the right"
              .formatted(port, port < 1024 ? " (ports below 1024 need a right)" : "", option)
          + " to it (CAP_NET_BIND_SERVICE)";
    }
    if (why.contains("address already in use")) {
      return "another process uses the port; end it, or give %s another port".formatted(option);
    }
    return "%s; give %s another address".formatted(failure.getMessage(), option);
  }

  /** That a host name is unknown, and what to do. */
  public static String unknownHost(String host) {
    return "the host name %s does not resolve on this machine; correct it, or mend DNS or /etc/hosts"
        .formatted(host);
  }

  /** Whether a host name was unknown. */
  public static boolean unresolved(@Nullable Throwable failure) {
    return has(failure, UnknownHostException.class)
        || has(failure, UnresolvedAddressException.class);
  }

  /** Whether nobody listened, so that certainly nothing was sent. */
  public static boolean notConnected(@Nullable Throwable failure) {
    return has(failure, ConnectException.class);
  }

  private static boolean has(@Nullable Throwable failure, Class<? extends Throwable> type) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return true;
      }
    }
    return false;
  }
}
