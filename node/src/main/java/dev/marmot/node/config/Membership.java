package dev.marmot.node.config;

import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Who is in the cluster, from {@code bootstrap}, {@code bind} and {@code advertise}. Confined. */
final class Membership {
  /** Where a node without bootstrap listens: nobody else is meant to reach it. */
  static final Address ALONE = new Address("127.0.0.1", NodeConfigLoader.DEFAULT_BIND.port());

  private final ConfigValues values;

  Membership(ConfigValues values) {
    this.values = values;
  }

  /** Everybody in the order given, this node included; whatever cannot be used is a fault. */
  List<Member> read(Optional<NodeId> self, Optional<Address> bind, boolean follow) {
    List<Member> members = bootstrap();
    Optional<Address> advertise = values.read("advertise", Address::parse);
    advertise
        .filter(Address::isWildcard)
        .ifPresent(
            address ->
                values.fault(
                    "advertise",
                    "must be an address that the other nodes can reach",
                    address.toString()));
    if (self.isEmpty()) {
      return members;
    }
    Optional<Member> own = members.stream().filter(m -> m.id().equals(self.get())).findFirst();
    if (own.isPresent()) {
      checkOwn(own.get(), advertise);
    } else if (values.given("bootstrap").isPresent()) {
      values.fault(
          "bootstrap",
          "must contain this node, " + self.get().value() + "@host:port",
          values.given("bootstrap").get());
    } else {
      members.add(alone(self.get(), bind, advertise, follow));
    }
    return members;
  }

  private void checkOwn(Member own, Optional<Address> advertise) {
    advertise
        .filter(address -> !address.toString().equals(own.address()))
        .ifPresent(
            address ->
                values.fault(
                    "advertise",
                    "must be this node's address in bootstrap, " + own.address(),
                    address.toString()));
  }

  /**
   * A cluster of one reaches itself over loopback; a node that is to be added must be reachable.
   */
  private Member alone(
      NodeId self, Optional<Address> bind, Optional<Address> advertise, boolean follow) {
    if (advertise.isPresent()) {
      return member(self, advertise.get());
    }
    boolean unreachable = bind.map(Address::isWildcard).orElse(follow);
    if (unreachable) {
      values.fault(
          "advertise",
          "is required when bind is a wildcard address and bootstrap does not name this node",
          "");
    }
    return member(self, bind.orElse(ALONE));
  }

  private static Member member(NodeId self, Address address) {
    return new Member(self, address.host(), address.port());
  }

  private List<Member> bootstrap() {
    List<Member> members = new ArrayList<>();
    Map<NodeId, String> byId = new HashMap<>();
    Map<String, String> byAddress = new HashMap<>();
    for (String entry : values.given("bootstrap").orElse("").split(",", -1)) {
      String text = entry.strip();
      if (text.isEmpty()) {
        continue;
      }
      try {
        Member member = entry(text);
        boolean newId = byId.putIfAbsent(member.id(), text) == null;
        boolean newAddress =
            byAddress.putIfAbsent(member.address().toLowerCase(Locale.ROOT), text) == null;
        if (!newId) {
          values.fault("bootstrap", "names node " + member.id().value() + " twice", text);
        } else if (!newAddress) {
          values.fault("bootstrap", "names address " + member.address() + " twice", text);
        } else {
          members.add(member);
        }
      } catch (IllegalArgumentException e) {
        values.fault("bootstrap", String.valueOf(e.getMessage()), text);
      }
    }
    if (values.given("bootstrap").isPresent() && byId.isEmpty() && values.faults().isEmpty()) {
      values.fault("bootstrap", "must be id@host:port,...", "");
    }
    return members;
  }

  private static Member entry(String text) {
    int at = text.indexOf('@');
    if (at < 0) {
      throw new IllegalArgumentException("must be id@host:port");
    }
    int id;
    try {
      id = ConfigValues.number(text.substring(0, at), 1, Integer.MAX_VALUE);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("node id " + e.getMessage(), e);
    }
    Address address = Address.parse(text.substring(at + 1));
    if (address.isWildcard()) {
      throw new IllegalArgumentException("must be an address that the other nodes can reach");
    }
    return new Member(new NodeId(id), address.host(), address.port());
  }
}
