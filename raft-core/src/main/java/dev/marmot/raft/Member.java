package dev.marmot.raft;

/**
 * A node and the address at which the others reach its raft port. Immutable.
 *
 * @param host a name, an IPv4 address, or an IPv6 address without brackets
 */
public record Member(NodeId id, String host, int port) {
  /** {@code host:port}, with brackets around an IPv6 address. */
  public String address() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}
