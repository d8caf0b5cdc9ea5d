package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.InvalidConfigException;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.NodeIdentity;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which cluster a node may join, by its options. */
class JoiningTest {
  private static final Address MEMBER = new Address("alpha", 8610);

  private static NodeConfig config(String... more) {
    Map<String, String> options = new HashMap<>();
    options.put("node-id", "4");
    options.put("db-path", "app.db");
    options.put("join", MEMBER.toString());
    options.put("bind", "delta:8610");
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return NodeConfigLoader.load(options, Map.of());
  }

  private static String refusal(DescribeReply reply, String... options) {
    return Joining.refusal(config(options), MEMBER, reply).orElse("");
  }

  private static DescribeReply shop(String... excluded) {
    NodeIdentity.Builder identity = NodeIdentity.newBuilder().setClusterName("shop");
    for (String pattern : excluded) {
      identity.addExcluded(pattern);
    }
    return DescribeReply.newBuilder().setIdentity(identity).build();
  }

  @Test
  void anotherName_isRefused_noneIsTheOneOfTheCluster() {
    assertThat(refusal(shop())).isEmpty();
    assertThat(refusal(shop(), "cluster", "shop")).isEmpty();
    assertThat(refusal(shop(), "cluster", "other"))
        .startsWith("cannot join through alpha:8610 as node 4: it belongs to cluster shop, and")
        .contains("cluster=other");
  }

  @Test
  void otherPatterns_areRefused() {
    assertThat(refusal(shop("sessions"), "exclude", "Sessions")).isEmpty();
    assertThat(refusal(shop("sessions"))).contains("exclude=sessions, this node with exclude=;");
  }

  @Test
  void whatTheClusterSays_isSaid() {
    DescribeReply reply = shop().toBuilder().setRefusal("node 4 was heard").build();
    assertThat(refusal(reply))
        .isEqualTo("cannot join through alpha:8610 as node 4: node 4 was heard");
  }

  @Test
  void replace_isForNodesThatJoin() {
    assertThat(config("replace", "true").raft().replace()).isTrue();
    Map<String, String> beginning = Map.of("node-id", "1", "db-path", "a.db", "replace", "true");
    assertThatThrownBy(() -> NodeConfigLoader.load(beginning, Map.of()))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("give join, too");
  }
}
