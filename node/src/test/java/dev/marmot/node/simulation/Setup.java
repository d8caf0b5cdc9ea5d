package dev.marmot.node.simulation;

import dev.marmot.node.replication.OriginOptions;
import dev.marmot.node.replication.ProtocolRules;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.sqlite.CaptureLimits;
import java.time.Duration;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * What does not change during one simulation. Immutable.
 *
 * @param maxRows rows after which an apply transaction takes no further entry
 * @param faultPercent how many of the faults that are drawn happen
 * @param nodesDie whether nodes may die for ever
 * @param purges whether the logs are purged, so that snapshots are needed
 */
record Setup(
    int nodes,
    int shards,
    int maxRows,
    OriginOptions origin,
    ProtocolRules rules,
    int faultPercent,
    boolean nodesDie,
    boolean purges,
    Set<Sabotage> sabotage) {

  static Setup random(RandomGenerator random) {
    int nodes = random.nextInt(7) == 0 ? 5 : 3;
    int shards = 1 + random.nextInt(4);
    int maxRows = pick(random, 1, 4, 1_000);
    int window = 1 + random.nextInt(4);
    int captureRows = pick(random, 2, 6, 50_000, 50_000);
    int inlineLimit = pick(random, 0, 0, 100, 1 << 20);
    OriginOptions origin =
        new OriginOptions(
            window,
            16 << 20,
            1,
            new CaptureLimits(captureRows, 16 << 20),
            inlineLimit,
            Duration.ofMillis(100));
    ProtocolRules rules =
        new ProtocolRules(pick(random, 5, 15, 40, 100_000), pick(random, 1, 60, 1 << 20), Set.of());
    return new Setup(
        nodes,
        shards,
        maxRows,
        origin,
        rules,
        pick(random, 15, 40, 100),
        random.nextInt(3) == 0,
        true,
        Set.of());
  }

  /** The same without some rules of the protocol. */
  Setup without(Set<Rule> left) {
    ProtocolRules fewer = new ProtocolRules(rules.windowKeys(), rules.pieceBytes(), left);
    return new Setup(
        nodes, shards, maxRows, origin, fewer, faultPercent, nodesDie, purges, sabotage);
  }

  /** The same with other options of the origins. */
  Setup with(OriginOptions other) {
    return new Setup(
        nodes, shards, maxRows, other, rules, faultPercent, nodesDie, purges, sabotage);
  }

  /** The same without purging. */
  Setup withoutPurging() {
    return new Setup(
        nodes, shards, maxRows, origin, rules, faultPercent, nodesDie, false, sabotage);
  }

  /** The same with something broken around the protocol. */
  Setup with(Sabotage broken) {
    return new Setup(
        nodes, shards, maxRows, origin, rules, faultPercent, nodesDie, purges, Set.of(broken));
  }

  private static int pick(RandomGenerator random, int... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
