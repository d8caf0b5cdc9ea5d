package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Everything that the nodes of one simulation share. Confined to the simulation's thread. */
final class World {
  private final Setup setup;
  private final Coverage coverage = new Coverage();
  private final WriteLedger ledger = new WriteLedger();
  private final Captures captures = new Captures(ledger, coverage);
  private final KnownRecords records = new KnownRecords();
  private final OrderReference reference = new OrderReference(captures, ledger, coverage);
  private final StateChecker checker =
      new StateChecker(
          reference, new ConflictChecker(reference, captures, ledger, coverage), coverage);
  private final Optional<Path> twins;
  private final List<SimulatedNode> nodes = new ArrayList<>();
  private final SharedLogs logs;
  private final Network network;
  private long files;

  /**
   * @param twins where to keep a real SQLite file beside each file in memory, if anywhere
   */
  World(Setup setup, Optional<Path> twins) {
    this.twins = twins;
    this.setup = setup;
    this.logs = new SharedLogs(setup.shards(), reference::ordered, records::stored);
    this.network = new Network(logs, this::proposed, this::isCutOff, coverage);
    for (int id = 1; id <= setup.nodes(); id++) {
      nodes.add(new SimulatedNode(id, this));
    }
  }

  private void proposed(int node, int log, ByteString entry) {
    captures.proposed(node, log, entry);
    records.proposed(log, entry);
  }

  private boolean isCutOff(int node) {
    return nodes.get(node - 1).unreachable == SimulatedNode.EVERYTHING;
  }

  Optional<Path> twins() {
    return twins;
  }

  long nextFile() {
    return ++files;
  }

  Setup setup() {
    return setup;
  }

  Coverage coverage() {
    return coverage;
  }

  WriteLedger ledger() {
    return ledger;
  }

  Captures captures() {
    return captures;
  }

  OrderReference reference() {
    return reference;
  }

  KnownRecords records() {
    return records;
  }

  StateChecker checker() {
    return checker;
  }

  SharedLogs logs() {
    return logs;
  }

  Network network() {
    return network;
  }

  List<SimulatedNode> nodes() {
    return nodes;
  }

  List<SimulatedNode> living() {
    return nodes.stream().filter(node -> !node.dead).toList();
  }
}
