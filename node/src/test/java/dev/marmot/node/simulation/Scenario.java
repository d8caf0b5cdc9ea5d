package dev.marmot.node.simulation;

import dev.marmot.node.replication.OriginOptions;
import dev.marmot.node.replication.ProtocolRules;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Three nodes that do what a test tells them, step by step. Confined to the test's thread. */
final class Scenario {
  private final World world =
      new World(
          new Setup(
              3,
              2,
              1_000,
              new OriginOptions(
                  4, 1 << 20, 1, new CaptureLimits(1_000, 1 << 20), 0, Duration.ofMillis(1)),
              ProtocolRules.ALL,
              0,
              false,
              true,
              Set.of()),
          Optional.empty());
  private long clock;

  /** All nodes are up, and their epochs are open. */
  static Scenario started() {
    Scenario scenario = new Scenario();
    scenario.world.nodes().forEach(node -> node.start(new Lowest()));
    scenario.rest();
    return scenario;
  }

  /** An application inserts or replaces a row. */
  Scenario put(int node, SampleTable table, int key, String... unique) {
    List<SqliteValue> values =
        Stream.of(unique)
            .map(
                value ->
                    value.isEmpty()
                        ? SqliteValue.Null.NULL
                        : SampleTable.uniqueValue(Integer.parseInt(value)))
            .toList();
    return transact(node, s -> s.insert(Statements.OnConflict.REPLACE, table.key(key), values));
  }

  /** An application deletes a row. */
  Scenario delete(int node, SampleTable table, int key) {
    return transact(node, s -> s.delete(table.key(key)));
  }

  /** An application runs a transaction. */
  Scenario transact(int node, java.util.function.Consumer<Statements> work) {
    MemoryDisk disk = world.nodes().get(node - 1).disk;
    MemoryFile next = disk.current().copy();
    Statements statements =
        new Statements(
            next,
            Set.of(),
            new Statements.Recorder() {
              @Override
              public LocalWrite wrote(dev.marmot.sqlite.RowKey key, boolean delete) {
                return world.ledger().add(node, next.file, key, delete);
              }

              @Override
              public void replaced(RowImage row, LocalWrite by) {
                world.ledger().replaced(row, by);
              }
            });
    work.accept(statements);
    disk.commit(next, statements.writes());
    return this;
  }

  /** The node captures, and its chunks and records are ordered. */
  Scenario send(int node) {
    for (int i = 0; i < 2; i++) {
      node(node).life().origin().step(clock += 10_000);
      world.network().settle(world::mayLead);
    }
    return this;
  }

  /** The node captures and proposes; nothing is ordered yet. */
  Scenario capture(int node) {
    node(node).life().origin().step(clock += 10_000);
    return this;
  }

  /** What is proposed is committed. */
  Scenario order() {
    world.network().settle(world::mayLead);
    return this;
  }

  /** The node gets everything that is ordered, and applies it. */
  Scenario apply(int node) {
    for (int log = 0; log < world.logs().logs(); log++) {
      node(node).deliver(log, world.logs().log(log).end());
    }
    while (node(node).life().applier().step()) {
      clock++;
    }
    return this;
  }

  /** The process dies and starts again. */
  Scenario restart(int node) {
    node(node).stop();
    node(node).start(new Lowest());
    return this;
  }

  /** Power is lost, and everything that was not synced with it. */
  Scenario losePower(int node) {
    node(node).stop();
    world.ledger().lost(node(node).disk.losePower(new Lowest(), Set.of()));
    node(node).start(new Lowest());
    return this;
  }

  /** Everything is sent, ordered and applied. */
  Scenario rest() {
    for (int round = 0; round < 8; round++) {
      for (SimulatedNode node : world.nodes()) {
        capture(node.id);
      }
      order();
      world.nodes().forEach(node -> apply(node.id));
      world.nodes().forEach(node -> world.nodes().forEach(from -> learn(node, from)));
    }
    world
        .ledger()
        .checkFates(
            node(1).disk.current().rows,
            world.nodes().stream().map(node -> node.disk.current().conflictTokens()).toList(),
            Set.of());
    return this;
  }

  private static void learn(SimulatedNode node, SimulatedNode from) {
    node.life().applier().learn(from.disk.current().conflictsBeyond(node.disk.current()));
  }

  /** The unique values that a node shows under a key; empty when there is no row. */
  List<String> row(int node, SampleTable table, int key) {
    RowImage row = file(node).rows.get(table.key(key));
    return row == null ? List.of() : List.of(Trace.rows(List.of(row)).split("[=.\\]]", -1)[1]);
  }

  /** Reasons of the entries in a node's conflict log, newest first. */
  List<Conflict.Reason> conflicts(int node) {
    return file(node).conflicts().stream().map(Conflict::reason).toList();
  }

  /** Goes on with a node's snapshot, or begins one; whether it is complete. */
  boolean donates(int node) {
    return node(node).donate(world.setup().maxRows(), world.setup().rules()).isPresent();
  }

  MemoryFile file(int node) {
    return node(node).disk.current();
  }

  long ordered() {
    return world.logs().log(LogId.ORDER.number()).end();
  }

  private SimulatedNode node(int id) {
    return world.nodes().get(id - 1);
  }

  /** Chooses the largest loss. */
  private static final class Lowest implements java.util.random.RandomGenerator {
    @Override
    public long nextLong() {
      return 0;
    }

    @Override
    public int nextInt(int bound) {
      return bound - 1;
    }
  }
}
