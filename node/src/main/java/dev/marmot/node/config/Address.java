package dev.marmot.node.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;

/**
 * A host and a TCP port. Immutable.
 *
 * @param host a name, an IPv4 address, or an IPv6 address without brackets
 */
public record Address(String host, int port) {
  private static final String LOOPBACK = "127.0.0.1";

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
    if (!bracketed && host.indexOf(':') >= 0 && !host.matches("[0-9A-Fa-f:.%]+")) {
      throw new IllegalArgumentException("must be one host:port");
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

  /** Whether only the machine itself reaches this address. Asks no name server. */
  public boolean isLoopback() {
    String plain = canonicalHost();
    return plain.equals(LOOPBACK) || plain.matches("127(\\.[0-9]+){3}");
  }

  /**
   * The same for every way of writing an address: names know no case, {@code localhost}, {@code
   * 127.0.0.1} and {@code ::1} are one place, and an IPv6 address has one form. For comparisons
   * only: what was given is what is connected to. Asks no name server, so that it is the same on
   * all machines.
   */
  public Address canonical() {
    return new Address(canonicalHost(), port);
  }

  private String canonicalHost() {
    String plain = host.toLowerCase(Locale.ROOT);
    if (plain.indexOf(':') >= 0) {
      plain = canonicalIpv6(plain);
    } else if (plain.endsWith(".")) {
      plain = plain.substring(0, plain.length() - 1);
    }
    return plain.equals("localhost") || plain.equals("0:0:0:0:0:0:0:1") ? LOOPBACK : plain;
  }

  private static String canonicalIpv6(String host) {
    try {
      return InetAddress.getByName("[" + host + "]").getHostAddress();
    } catch (UnknownHostException e) {
      return host; // with an interface that this machine does not have: compared as it is written
    }
  }

  /** {@code host:port}, with brackets around an IPv6 address. */
  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}
