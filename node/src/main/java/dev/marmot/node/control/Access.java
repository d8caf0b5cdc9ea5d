package dev.marmot.node.control;

import dev.marmot.node.config.AuthKey;
import dev.marmot.node.control.ControlException.Kind;
import java.net.InetAddress;
import java.net.URI;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask. With a secret: whoever sends it. Without: this machine only, and not a web page that
 * a browser on this machine happens to show. Immutable.
 */
record Access(AuthKey key) {
  /** How to authenticate, as HTTP says it in a 401. */
  static final String CHALLENGE = "Bearer realm=\"marmot control pane\"";

  private static final String BEARER = "Bearer ";

  /** What of a request decides. Immutable. */
  record Caller(
      InetAddress remote,
      @Nullable String host,
      @Nullable String origin,
      @Nullable String authorization) {}

  /** Empty when allowed, else the refusal. */
  Optional<ControlException> refuse(Caller caller, boolean health) {
    if (key.isSet()) {
      return health ? Optional.empty() : refuseWithoutSecret(caller);
    }
    if (!caller.remote().isLoopbackAddress()) {
      return Optional.of(
          new ControlException(
              Kind.FORBIDDEN,
              "cannot answer "
                  + caller.remote().getHostAddress()
                  + ": AUTH_KEY is not set, so the pane answers on loopback only;"
                  + " set AUTH_KEY for the node and the client"));
    }
    if (!isLoopbackName(caller.host()) || !isLoopbackOrigin(caller.origin())) {
      return Optional.of(
          new ControlException(
              Kind.FORBIDDEN,
              "cannot answer a request for host "
                  + caller.host()
                  + (caller.origin() == null ? "" : " from a page of " + caller.origin())
                  + ": AUTH_KEY is not set; use localhost, or set AUTH_KEY"));
    }
    return Optional.empty();
  }

  private Optional<ControlException> refuseWithoutSecret(Caller caller) {
    String given = caller.authorization();
    if (given != null && (key.matches(given) || key.matches(withoutScheme(given)))) {
      return Optional.empty();
    }
    return Optional.of(
        new ControlException(
            Kind.UNAUTHENTICATED,
            given == null
                ? "cannot answer without the header Authorization; set AUTH_KEY to the node's"
                : "cannot answer: the header Authorization is not this node's AUTH_KEY; set"
                    + " AUTH_KEY to the node's"));
  }

  /**
   * Clients that know the schemes of HTTP send one; those of the first Marmot send the key only.
   */
  private static String withoutScheme(String given) {
    return given.regionMatches(true, 0, BEARER, 0, BEARER.length())
        ? given.substring(BEARER.length()).strip()
        : given;
  }

  /** A page elsewhere can make a browser send requests here, also under a name of its own. */
  private static boolean isLoopbackName(@Nullable String host) {
    return host == null || host.matches("localhost|127\\.[0-9.]+|\\[?[0:]*:0*1\\]?");
  }

  private static boolean isLoopbackOrigin(@Nullable String origin) {
    if (origin == null) {
      return true;
    }
    try {
      String host = URI.create(origin).getHost();
      return host != null && isLoopbackName(host);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
