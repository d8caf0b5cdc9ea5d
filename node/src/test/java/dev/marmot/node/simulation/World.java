package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.sqlite.ReplicaState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;

/** Everything that the nodes of one simulation share. Confined to the simulation's thread. */
final class World {
  private final Setup setup;
  private final Coverage coverage = new Coverage();
  private final WriteLedger ledger = new WriteLedger();
  private final Captures captures = new Captures(ledger, coverage);
  private final KnownRecords records = new KnownRecords();
  private final OrderReference reference;
  private final ConflictChecker conflicts;
  private final StateChecker checker;
  private final Optional<Path> twins;
  private final List<SimulatedNode> nodes = new ArrayList<>();
  private final RaftGroups logs;
  private final Network network;
  private long files;

  /**
   * @param twins where to keep a real SQLite file beside each file in memory, if anywhere
   */
  World(Setup setup, Optional<Path> twins) {
    this.twins = twins;
    this.setup = setup;
    this.reference = new OrderReference(captures, ledger, coverage, setup.rules().windowKeys());
    this.conflicts = new ConflictChecker(reference, captures, ledger, coverage);
    this.checker = new StateChecker(reference, conflicts, coverage);
    this.logs = new RaftGroups(this, reference::ordered, records::stored);
    this.network = new Network(logs, this::proposed, this::isCutOff, coverage);
    for (int id = 1; id <= setup.nodes(); id++) {
      nodes.add(new SimulatedNode(id, this));
    }
  }

  private void proposed(int node, int log, ByteString entry) {
    captures.proposed(node, log, entry);
    records.proposed(log, entry);
    coverage.count(Event.EXPIRED_EPOCHS, log == 0 && endsOther(node, entry) ? 1 : 0);
  }

  /** Whether a node ends the epoch of another one. */
  private static boolean endsOther(int node, ByteString entry) {
    try {
      return OrderLogEntry.parseFrom(entry).getItemsList().stream()
          .anyMatch(item -> item.hasEpoch() && item.getEpoch().getOrigin() != node);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a proposal for the order log is no entry of it", e);
    }
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

  ConflictChecker conflicts() {
    return conflicts;
  }

  RaftGroups logs() {
    return logs;
  }

  Network network() {
    return network;
  }

  List<SimulatedNode> nodes() {
    return nodes;
  }

  /** Leaders that are gone, or must not lead any more, do not. */
  void dismissLeaders() {
    for (int log = 0; log < logs.logs(); log++) {
      logs.log(log).dismiss(mayLead(log));
    }
  }

  /** Somebody who may lead a log stands for election. */
  void elect(int log, SplittableRandom random) {
    logs.log(log).elect(mayLead(log), random);
  }

  /** Who may lead a log. */
  IntPredicate mayLead(int log) {
    return node -> nodes.get(node - 1).mayLead(log);
  }

  /** Whether what a node sends about a log arrives, and what is sent to it. */
  boolean reaches(int node, int log) {
    int unreachable = nodes.get(node - 1).unreachable;
    return unreachable != SimulatedNode.EVERYTHING && unreachable != log;
  }

  /** Nodes that stand at a position or later and can be asked for a snapshot. */
  List<SimulatedNode> donors(SimulatedNode receiver, long position) {
    return nodes.stream()
        .filter(node -> node != receiver && node.isUp() && !node.dead)
        .filter(node -> node.unreachable != SimulatedNode.EVERYTHING)
        .filter(node -> node.disk.current().position >= position)
        .filter(node -> reference.minEpoch(node.id) != ReplicaState.REMOVED)
        .toList();
  }

  /** How many of the others have lost nothing. */
  long wholeBeside(SimulatedNode node) {
    return living().stream().filter(other -> other != node && other.isWhole()).count();
  }

  List<SimulatedNode> living() {
    return nodes.stream().filter(node -> !node.dead).toList();
  }

  /** A node that has to join again needs all others; a real file would have to be set back, too. */
  boolean mayGoBack() {
    return twins().isEmpty()
        && !setup().nodesDie()
        && nodes.stream().noneMatch(other -> other.mustJoinAgain);
  }
}
