package dev.marmot.node.config;

/**
 * A host and a TCP port. Immutable.
 *
 * @param host a name, an IPv4 address, or an IPv6 address without brackets
 */
public record Address(String host, int port) {
  /**
   * Reads {@code host:port}, {@code [ipv6]:port}.
   *
   * @throws IllegalArgumentException with the reason, without the text itself
   */
  public static Address parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 0 || text.endsWith("]")) {
      throw new IllegalArgumentException("needs a port, as in host:port");
    }
    return new Address(host(text.substring(0, colon)), port(text.substring(colon + 1)));
  }

  private static String host(String text) {
    boolean bracketed = text.startsWith("[") && text.endsWith("]");
    String host = bracketed ? text.substring(1, text.length() - 1) : text;
    if (host.isEmpty()) {
      throw new IllegalArgumentException("needs a host before the colon");
    }
    if (!bracketed && host.indexOf(':') >= 0) {
      throw new IllegalArgumentException("needs brackets around an IPv6 address, as in [::1]:8610");
    }
    String allowed = bracketed ? "[0-9A-Fa-f:.%A-Za-z]+" : "[A-Za-z0-9._-]+";
    if (!host.matches(allowed) || (bracketed && host.indexOf(':') < 0)) {
      throw new IllegalArgumentException("has no valid host name or IP address");
    }
    return host;
  }

  private static int port(String text) {
    int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("needs a port from 1 to 65535");
    }
    return port;
  }

  /** Whether this stands for all addresses of the machine, so that nobody can connect to it. */
  public boolean isWildcard() {
    return host.equals("0.0.0.0") || host.matches("[0:]+");
  }

  /** {@code host:port}, with brackets around an IPv6 address. */
  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}
