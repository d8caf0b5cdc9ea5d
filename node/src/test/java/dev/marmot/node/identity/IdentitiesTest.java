package dev.marmot.node.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.proto.v1.Member;
import dev.marmot.proto.v1.NodeIdentity;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class IdentitiesTest {
  private static NodeIdentity identity(int node, String... options) {
    return Identities.of(config(node, options));
  }

  private static NodeConfig config(int node, String... options) {
    Map<String, String> given = new HashMap<>();
    given.put("node-id", Integer.toString(node));
    given.put("db-path", "app.db");
    given.put("bootstrap", "1@a:1,2@b:1");
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return NodeConfigLoader.load(given, Map.of());
  }

  @Test
  void samePatternsInAnotherOrder_belongTogether() {
    assertThat(
            Identities.differsFromPeer(
                identity(1, "exclude", "cache_*,Sessions"),
                identity(2, "exclude", "sessions,cache_*")))
        .isEmpty();
  }

  @Test
  void otherPatterns_doNot() {
    assertThat(Identities.differsFromPeer(identity(1, "exclude", "sessions"), identity(2)))
        .contains("node 2 was started with exclude=, node 1 with exclude=sessions");
  }

  @Test
  void filesOfOtherEncodings_doNot() {
    NodeIdentity mine = Identities.withEncoding(identity(1), StandardCharsets.UTF_8);
    NodeIdentity theirs = Identities.withEncoding(identity(2), StandardCharsets.UTF_16LE);
    assertThat(Identities.differsFromPeer(mine, theirs))
        .contains(
            "node 2 was started with a file whose PRAGMA encoding=UTF-16LE, node 1 with a file whose"
                + " PRAGMA encoding=UTF-8");
    assertThat(Identities.differsFromPeer(mine, identity(2))).as("it does not say").isEmpty();
  }

  @Test
  void otherPatternsThanBefore_areNoReasonNotToStart() {
    assertThat(
            Identities.differsFromDirectory(identity(1), identity(1, "exclude", "sessions"), true))
        .isEmpty();
    assertThat(Identities.differsFromDirectory(identity(1), identity(1, "shards", "8"), true))
        .isPresent();
  }

  @Test
  void recovered_leavesTheOthersOut_andGoesOnWhateverItsBootstrapSays() {
    NodeIdentity before = identity(2);
    Member self = Member.newBuilder().setNodeId(2).setHost("b").setPort(1).build();
    NodeIdentity alone = Identities.alone(before, "new", self);
    assertThat(alone.getMembersList()).containsExactly(self);
    assertThat(Identities.leftOut(identity(1), alone).orElseThrow())
        .startsWith("the cluster was recovered without node 1");
    assertThat(Identities.leftOut(identity(1), before)).isEmpty();
    assertThat(Identities.leftOut(alone, alone)).isEmpty();
    NodeIdentity twice = Identities.alone(alone, "newer", self);
    assertThat(twice.getFormerList()).containsExactly(before.getCluster(), "new");
    assertThat(Identities.of(config(2), Optional.of(alone))).isEqualTo(alone);
    assertThat(Identities.of(config(2), Optional.of(before))).isEqualTo(before);
  }

  @Test
  void oneListInAnyForm_isOneCluster() {
    NodeIdentity first = identity(1, "bootstrap", "2@127.0.0.1:8162", "bind", "127.0.0.1:8161");
    NodeIdentity second =
        identity(2, "bootstrap", "2@LocalHost:8162,1@[::1]:8161", "bind", "0.0.0.0:8162");

    assertThat(second.getCluster()).isEqualTo(first.getCluster());
    assertThat(Identities.differsFromPeer(first, second)).isEmpty();
    assertThat(
            Identities.differsFromDirectory(
                first, identity(1, "bootstrap", "2@localhost:8162,1@127.0.0.1:8161"), true))
        .isEmpty();
    assertThat(
            Identities.differsFromPeer(
                first, identity(2, "bootstrap", "1@127.0.0.1:8163", "bind", "127.0.0.1:8162")))
        .contains(
            "node 2 was started with bootstrap=1@127.0.0.1:8163,2@127.0.0.1:8162, node 1 with"
                + " bootstrap=1@127.0.0.1:8161,2@127.0.0.1:8162");
  }

  @Test
  void clusterOfOne_keepsItsIdAtAnotherAddress() {
    NodeIdentity before = Identities.of(alone(1));
    NodeConfig moved = alone(1, "bind", "0.0.0.0:8610", "advertise", "db-1:8610");
    NodeIdentity after = Identities.of(moved, Optional.of(before));

    assertThat(after.getCluster()).isEqualTo(before.getCluster());
    assertThat(after.getMembers(0).getHost()).isEqualTo("db-1");
    assertThat(Identities.differsFromDirectory(before, after, true)).isEmpty();
    assertThat(Identities.of(alone(2), Optional.of(before)).getCluster())
        .as("another node")
        .isNotEqualTo(before.getCluster());
    assertThat(Identities.differsFromDirectory(before, identity(1), true))
        .as("of two now")
        .hasValueSatisfying(why -> assertThat(why).contains("bootstrap=1@a:1,2@b:1"));
    NodeIdentity joined = before.toBuilder().setNodeId(2).build();
    assertThat(
            Identities.differsFromDirectory(
                joined, Identities.of(alone(2), Optional.of(joined)), true))
        .as("a node that joined the cluster of node 1, started without join")
        .isPresent();
  }

  private static NodeConfig alone(int node, String... options) {
    Map<String, String> given = new HashMap<>();
    given.put("node-id", Integer.toString(node));
    given.put("db-path", "app.db");
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return NodeConfigLoader.load(given, Map.of());
  }
}
