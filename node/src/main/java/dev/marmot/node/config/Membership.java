package dev.marmot.node.config;

import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Who is in the cluster, from {@code bootstrap}, {@code bind} and {@code advertise}. Confined. */
final class Membership {
  /** Where a node without bootstrap listens: nobody else is meant to reach it. */
  static final Address ALONE = new Address("127.0.0.1", NodeConfigLoader.DEFAULT_BIND.port());

  private static final String UNREACHABLE = "must be an address that the other nodes can reach";

  private final ConfigValues values;

  Membership(ConfigValues values) {
    this.values = values;
  }

  /** Why this node is started. */
  enum Role {
    /** Begins a cluster with the others in {@code bootstrap}, or goes on with it; maybe alone. */
    FOUNDER,
    /** Is to be added to a running cluster. */
    NEWCOMER
  }

  /** Everybody in order of their numbers, this node included; what cannot be used is a fault. */
  List<Member> read(Optional<NodeId> self, Optional<Address> bind, Role role) {
    List<Member> members = bootstrap();
    Optional<Address> advertise = values.read("advertise", Address::parse);
    advertise
        .filter(Address::isWildcard)
        .ifPresent(address -> values.fault("advertise", UNREACHABLE, address.toString()));
    if (self.isPresent()) {
      Optional<Member> listed = find(members, member -> member.id().equals(self.get()));
      if (listed.isPresent()) {
        checkListed(listed.get(), advertise);
      } else {
        own(self.get(), bind, advertise, role)
            .ifPresent(address -> add(members, self.get(), address));
      }
    }
    members.sort(Comparator.comparing(Member::id));
    checkReach(members);
    return members;
  }

  private void checkReach(List<Member> members) {
    Optional<Member> near = find(members, member -> address(member).isLoopback());
    Optional<Member> far = find(members, member -> !address(member).isLoopback());
    if (near.isPresent() && far.isPresent()) {
      values.fault(
          values.given("bootstrap").isPresent() ? "bootstrap" : "bind",
          "node %d at %s cannot be reached by node %d at %s; give addresses that all nodes reach"
              .formatted(
                  near.get().id().value(),
                  near.get().address(),
                  far.get().id().value(),
                  far.get().address()),
          values.given("bootstrap").orElse(""));
    }
  }

  private void checkListed(Member own, Optional<Address> advertise) {
    advertise
        .filter(address -> !address.canonical().equals(address(own).canonical()))
        .ifPresent(
            address ->
                values.fault(
                    "advertise",
                    "must be this node's address in bootstrap, " + own.address(),
                    address.toString()));
  }

  /** Where the others reach a node that bootstrap does not name. */
  private Optional<Address> own(
      NodeId self, Optional<Address> bind, Optional<Address> advertise, Role role) {
    if (advertise.isPresent()) {
      return advertise;
    }
    boolean listed = values.given("bootstrap").isPresent();
    boolean alone = role == Role.FOUNDER && !listed;
    if (alone) {
      // A cluster of one reaches itself over loopback.
      return Optional.of(bind.map(Membership::overLoopback).orElse(ALONE));
    }
    if (bind.isPresent() && !bind.get().isWildcard()) {
      return bind;
    }
    boolean unreadable = values.given("bind").isPresent() && bind.isEmpty();
    if (!unreadable) {
      values.fault(
          "advertise",
          "is required: where the other nodes reach this one is told neither by "
              + (listed ? "bootstrap, as " + self.value() + "@HOST:PORT, nor by " : "")
              + "bind"
              + bind.map(address -> ", which is " + address).orElse(""),
          "");
    }
    return Optional.empty();
  }

  private static Address overLoopback(Address bind) {
    return bind.isWildcard()
        ? new Address(bind.host().indexOf(':') >= 0 ? "::1" : ALONE.host(), bind.port())
        : bind;
  }

  private void add(List<Member> members, NodeId self, Address own) {
    find(members, member -> address(member).canonical().equals(own.canonical()))
        .ifPresent(
            other ->
                values.fault(
                    "bootstrap",
                    "gives node %d the address of this node, %s, which is node %d"
                        .formatted(other.id().value(), own, self.value()),
                    values.given("bootstrap").orElse("")));
    members.add(new Member(self, own.host(), own.port()));
  }

  private static Optional<Member> find(List<Member> members, Predicate<Member> wanted) {
    return members.stream().filter(wanted).findFirst();
  }

  static Address address(Member member) {
    return new Address(member.host(), member.port());
  }

  private List<Member> bootstrap() {
    List<Member> members = new ArrayList<>();
    Map<NodeId, String> byId = new HashMap<>();
    Map<Address, String> byAddress = new HashMap<>();
    for (String entry : values.given("bootstrap").orElse("").split(",", -1)) {
      String text = entry.strip();
      if (text.isEmpty()) {
        continue;
      }
      if (text.matches(".*[;|\\s].*@.*")) {
        values.fault("bootstrap", "needs commas between the nodes, as in 1@a:1,2@b:2", text);
        continue;
      }
      try {
        Member member = entry(text);
        boolean newId = byId.putIfAbsent(member.id(), text) == null;
        boolean newAddress = byAddress.putIfAbsent(address(member).canonical(), text) == null;
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
      throw new IllegalArgumentException(UNREACHABLE);
    }
    return new Member(new NodeId(id), address.host(), address.port());
  }
}
