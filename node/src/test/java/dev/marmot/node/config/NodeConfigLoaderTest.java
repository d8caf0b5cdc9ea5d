package dev.marmot.node.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NodeConfigLoaderTest {
  private static final String THREE = "1@10.0.0.1:8610,2@db-2.example:8610,3@[fd00::3]:8161";

  private static Map<String, String> options(String... keysAndValues) {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      options.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return options;
  }

  private static NodeConfig load(String... keysAndValues) {
    return NodeConfigLoader.load(options(keysAndValues), Map.of());
  }

  private static List<String> faults(String... keysAndValues) {
    InvalidConfigException thrown =
        catchThrowableOfType(InvalidConfigException.class, () -> load(keysAndValues));
    return thrown.faults().stream().map(ConfigFault::toString).toList();
  }

  @Test
  void paneBeyondLoopback_withoutKey_isWarnedOf() {
    for (String pane : List.of("0.0.0.0:6010", "10.0.0.1:6010", "db-1:6010", "[::]:6010")) {
      assertThat(load("db-path", "a.db", "node-id", "1", "bind-pane", pane).notes())
          .as(pane)
          .singleElement()
          .asString()
          .startsWith("bind-pane " + pane + " is not a loopback address and AUTH_KEY is not set");
      assertThat(
              NodeConfigLoader.load(
                      options("db-path", "a.db", "node-id", "1", "bind-pane", pane),
                      Map.of("AUTH_KEY", "s3cret"))
                  .notes())
          .isEmpty();
    }
    for (String pane : List.of("localhost:6010", "127.0.0.1:6010", "[::1]:6010")) {
      assertThat(load("db-path", "a.db", "node-id", "1", "bind-pane", pane).notes()).isEmpty();
    }
    assertThat(load("db-path", "a.db", "node-id", "1").notes()).isEmpty();
  }

  @Test
  void seedFrom_namesANodeOfANewCluster() {
    assertThat(
            load("db-path", "a.db", "node-id", "3", "bootstrap", THREE, "seed-from", "1")
                .raft()
                .seedFrom())
        .contains(new NodeId(1));
    assertThat(faults("db-path", "a.db", "node-id", "3", "bootstrap", THREE, "seed-from", "4"))
        .containsExactly("seed-from: must be a node in bootstrap (got 4)");
    assertThat(
            faults(
                "db-path",
                "a.db",
                "node-id",
                "4",
                "join",
                "10.0.0.1:8610",
                "bind",
                "10.0.0.4:8610",
                "seed-from",
                "1"))
        .hasSize(1)
        .allMatch(fault -> fault.startsWith("seed-from: is for a new cluster"));
  }

  @Test
  void load_threeNodes_namesEverybodyAndListensOnItsPort() {
    NodeConfig config = load("db-path", "/data/shop.db", "node-id", "3", "bootstrap", THREE);

    assertThat(config.self()).isEqualTo(new NodeId(3));
    assertThat(config.raft().members())
        .containsExactly(
            new Member(new NodeId(1), "10.0.0.1", 8610),
            new Member(new NodeId(2), "db-2.example", 8610),
            new Member(new NodeId(3), "fd00::3", 8161));
    assertThat(config.raft().bind()).hasToString("0.0.0.0:8161");
    assertThat(config.raft().directory()).isEqualTo(Path.of("/data/shop.db-raft/node-3"));
    assertThat(config.raft().shards()).isEqualTo(16);
    assertThat(config.raft().maxLogEntries()).isEqualTo(1024);
    assertThat(config.raft().follow()).isFalse();
    assertThat(config.cluster()).isEqualTo("marmot");
    assertThat(config.pane().bind()).hasToString("localhost:6010");
    assertThat(config.pane().authKey().isSet()).isFalse();
    assertThat(config.replication().inlineLimit()).isZero();
    assertThat(config.notes()).isEmpty();
  }

  @Test
  void load_withoutBootstrap_isAClusterOfOneOnLoopback() {
    NodeConfig config = load("db-path", "shop.db", "node-id", "1");

    assertThat(config.raft().bind()).hasToString("127.0.0.1:8610");
    assertThat(config.raft().members())
        .containsExactly(new Member(new NodeId(1), "127.0.0.1", 8610));
    assertThat(config.database()).isAbsolute();
  }

  @Test
  void load_manyFaults_reportsAllOfThem() {
    assertThat(
            faults(
                "node-id", "zero",
                "bind", "8610",
                "bind-pane", "localhost:99999",
                "shards", "0",
                "max-log-entries", "-1",
                "follow", "maybe",
                "cluster", "a b",
                "inline-limit", "x",
                "raft-path", "",
                "advertise", "0.0.0.0:1",
                "bootstrap", "1@a:1,x@b:1,1@c:1,2@a:1,3@::1:5,4@d,5"))
        .containsExactlyInAnyOrder(
            "node-id: must be a whole number from 1 to 2147483647 (got zero)",
            "db-path: is required: the SQLite file to replicate (got nothing)",
            "bind: needs a port, as in host:port (got 8610)",
            "bind-pane: needs a port from 1 to 65535 (got localhost:99999)",
            "shards: must be a whole number from 1 to 1024 (got 0)",
            "max-log-entries: must be a whole number from 16 to 2147483647 (got -1)",
            "follow: must be true or false (got maybe)",
            "cluster: must be 1 to 63 letters, digits, dots, dashes or underscores (got a b)",
            "inline-limit: must be a whole number from 0 to 1048576 (got x)",
            "raft-path: must not be empty (got nothing)",
            "advertise: must be an address that the other nodes can reach (got 0.0.0.0:1)",
            "bootstrap: node id must be a whole number from 1 to 2147483647 (got x@b:1)",
            "bootstrap: names node 1 twice (got 1@c:1)",
            "bootstrap: names address a:1 twice (got 2@a:1)",
            "bootstrap: needs brackets around an IPv6 address, as in [::1]:8610 (got 3@::1:5)",
            "bootstrap: needs a port, as in host:port (got 4@d)",
            "bootstrap: must be id@host:port (got 5)");
  }

  @Test
  void load_withoutAnything_asksForWhatIsRequired() {
    assertThat(faults())
        .containsExactly(
            "node-id: is required: a whole number from 1, different on each node, for ever"
                + " (got nothing)",
            "db-path: is required: the SQLite file to replicate (got nothing)");
  }

  @Test
  void load_bootstrapOfTheOthersOnly_takesOwnEntryFromAdvertiseElseBind() {
    List<Member> two =
        List.of(
            new Member(new NodeId(1), "127.0.0.1", 8161),
            new Member(new NodeId(2), "127.0.0.1", 8162));
    NodeConfig first =
        load(
            "db-path", "/tmp/cache-1.db",
            "node-id", "1",
            "bootstrap", "2@127.0.0.1:8162",
            "bind", "127.0.0.1:8161",
            "bind-pane", "localhost:6001");
    assertThat(first.raft().members()).isEqualTo(two);
    assertThat(first.raft().bind()).hasToString("127.0.0.1:8161");
    NodeConfig second =
        load(
            "db-path", "/tmp/cache-2.db",
            "node-id", "2",
            "bootstrap", "1@127.0.0.1:8161",
            "bind", "0.0.0.0:8162",
            "advertise", "127.0.0.1:8162");
    assertThat(second.raft().members()).isEqualTo(two);
    assertThat(second.raft().bind()).hasToString("0.0.0.0:8162");
    assertThat(second.notes()).isEmpty();
  }

  @Test
  void load_ownAddressSaidNowhere_isRefused() {
    assertThat(faults("db-path", "f", "node-id", "4", "bootstrap", THREE))
        .containsExactly(
            "advertise: is required: where the other nodes reach this one is told neither by"
                + " bootstrap, as 4@HOST:PORT, nor by bind (got nothing)");
    assertThat(faults("db-path", "f", "node-id", "4", "bootstrap", THREE, "bind", "0.0.0.0:8610"))
        .containsExactly(
            "advertise: is required: where the other nodes reach this one is told neither by"
                + " bootstrap, as 4@HOST:PORT, nor by bind, which is 0.0.0.0:8610 (got nothing)");
    assertThat(
            faults(
                "db-path", "f", "node-id", "4", "bootstrap", THREE, "bind", "db-2.Example.:8610"))
        .containsExactly(
            "bootstrap: gives node 2 the address of this node, db-2.Example.:8610, which is node 4"
                + " (got "
                + THREE
                + ")");
    assertThat(faults("db-path", "f", "node-id", "1", "follow", "true")).hasSize(1);
    assertThat(faults("db-path", "f", "node-id", "1", "join", "a:1", "bind", "[::]:8610"))
        .singleElement()
        .asString()
        .startsWith("advertise: is required: where the other nodes reach this one");
    assertThat(faults("db-path", "f", "node-id", "1", "follow", "true", "bootstrap", THREE))
        .containsExactly(
            "follow: must not be given with bootstrap or join: it waits to be told (got true)");
  }

  @Test
  void load_addressesOfThisMachineOnly_areNotForOthers() {
    assertThat(
            faults("db-path", "f", "node-id", "1", "bootstrap", "2@b:8610", "bind", "localhost:1"))
        .containsExactly(
            "bootstrap: node 1 at localhost:1 cannot be reached by node 2 at b:8610; give addresses"
                + " that all nodes reach (got 2@b:8610)");
    assertThat(faults("db-path", "f", "node-id", "1", "join", "b:8610", "bind", "[::1]:1"))
        .containsExactly(
            "advertise: must be an address of this node that the cluster at b:8610 can reach, not"
                + " [::1]:1 (got nothing)");
  }

  @Test
  void load_aloneOnAWildcardAddress_isAClusterOfOneThatSaysHowItGrows() {
    NodeConfig alone = load("db-path", "f", "node-id", "1", "bind", "0.0.0.0:8610");
    assertThat(alone.raft().members())
        .containsExactly(new Member(new NodeId(1), "127.0.0.1", 8610));
    assertThat(alone.raft().bind()).hasToString("0.0.0.0:8610");
    assertThat(alone.notes())
        .containsExactly(
            "this node is a cluster of one and is known at 127.0.0.1:8610 only: before others can"
                + " join, start it with --advertise HOST:PORT, where they reach it");
    assertThat(load("db-path", "f", "node-id", "1", "bind", "[::]:8610").raft().members())
        .containsExactly(new Member(new NodeId(1), "::1", 8610));

    NodeConfig known =
        load("db-path", "f", "node-id", "1", "bind", "0.0.0.0:8610", "advertise", "db-1:8610");
    assertThat(known.raft().members()).containsExactly(new Member(new NodeId(1), "db-1", 8610));
    assertThat(known.notes()).isEmpty();
  }

  @Test
  void addresses_areComparedByWhatTheyMean() {
    for (String same : List.of("LOCALHOST:1", "127.0.0.1:1", "[::1]:1", "[0:0::1]:1")) {
      assertThat(Address.parse(same).canonical()).hasToString("127.0.0.1:1");
      assertThat(Address.parse(same).isLoopback()).isTrue();
    }
    assertThat(Address.parse("127.0.0.2:1").isLoopback()).isTrue();
    assertThat(Address.parse("127.0.0.2:1").canonical()).hasToString("127.0.0.2:1");
    assertThat(Address.parse("127.example:1").isLoopback()).isFalse();
    assertThat(Address.parse("DB-1.example.:1").canonical()).hasToString("db-1.example:1");
    assertThat(Address.parse("[FD00::3]:1").canonical())
        .isEqualTo(Address.parse("[fd00:0:0::3]:1").canonical());
    assertThat(Address.parse("[fe80::1%none]:1").canonical()).hasToString("[fe80::1%none]:1");
  }

  @Test
  void load_advertiseThatContradictsBootstrap_isRefused() {
    assertThat(
            faults("db-path", "f", "node-id", "1", "bootstrap", THREE, "advertise", "other:8610"))
        .containsExactly(
            "advertise: must be this node's address in bootstrap, 10.0.0.1:8610 (got other:8610)");
  }

  @Test
  void load_paneOnTheRaftPort_isRefused() {
    assertThat(faults("db-path", "f", "node-id", "1", "bootstrap", THREE, "bind-pane", "[::]:8610"))
        .containsExactly("bind-pane: must not use the port of bind, 0.0.0.0:8610 (got [::]:8610)");
  }

  @Test
  void load_exclude_listsPatterns() {
    NodeConfig config = load("db-path", "f", "node-id", "1", "exclude", "Sessions, cache_*");
    assertThat(config.replication().excluded().globs()).containsExactly("cache_*", "sessions");
    assertThat(faults("db-path", "f", "node-id", "1", "exclude", "a,,b"))
        .containsExactly("exclude: must be names or patterns, separated by commas (got a,,b)");
    assertThat(faults("db-path", "f", "node-id", "1", "exclude", "[a"))
        .containsExactly(
            "exclude: must close its bracket, as in [abc]; to mean the bracket itself write [[]"
                + " (got [a)");
  }

  @Test
  void load_replicate_isAcceptedWithAnyValueAndSaysWhatToUse() {
    for (String value : List.of("true", "news,history", "")) {
      assertThat(load("db-path", "f", "node-id", "1", "replicate", value).notes())
          .singleElement()
          .asString()
          .contains("(got " + value + ") is deprecated", "every table replicates", "--exclude");
    }
  }

  @Test
  void load_directoryAsDatabase_isRefused() {
    assertThat(faults("db-path", "/", "node-id", "1"))
        .containsExactly("db-path: must be a file, not a directory (got /)");
  }

  @Test
  void authKey_fromTheEnvironment_isNeverPrinted() {
    NodeConfig config =
        NodeConfigLoader.load(
            options("db-path", "f", "node-id", "1"), Map.of("AUTH_KEY", "s3cret"));

    assertThat(config.pane().authKey().matches("s3cret")).isTrue();
    assertThat(config.pane().authKey().matches("s3cret ")).isFalse();
    assertThat(config.toString()).doesNotContain("s3cret");
    assertThat(AuthKey.of("").matches("")).isFalse();
  }
}
