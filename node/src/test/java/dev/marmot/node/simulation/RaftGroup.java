package dev.marmot.node.simulation;

import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.RaftMessage.Entry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;

/**
 * One raft group: its members and what is on its way between them. Messages of one kind from one
 * member to another keep their order; heartbeats travel apart and overtake the others, as Ratis
 * sends them. Confined to the simulation's thread.
 */
final class RaftGroup {
  /** Messages that wait for one member from another, beyond which a leader sends no more. */
  private static final int FULL = 6;

  /** What a calm may take: beyond it somebody asks the same for ever. */
  private static final int MOST_MESSAGES = 5_000;

  /** What a group tells those who wait for it. */
  interface Observer {
    /** An entry is committed, for the first time anywhere; in index order. */
    void committed(int log, long index, Entry entry);

    /** A member does not lead any more. */
    void lostLead(int log, int node);

    void happened(Event event);
  }

  private record Envelope(int from, int to, boolean heartbeat, RaftMessage message) {}

  private final int log;
  private final List<RaftCopy> copies = new ArrayList<>();
  private final List<Envelope> underWay = new ArrayList<>();
  private final List<Entry> committed = new ArrayList<>();
  private final World world;
  private final Observer observer;

  RaftGroup(int log, int nodes, World world, Observer observer) {
    this.log = log;
    this.world = world;
    this.observer = observer;
    for (int node = 1; node <= nodes; node++) {
      copies.add(new RaftCopy(node, nodes, this));
    }
  }

  int log() {
    return log;
  }

  RaftCopy copy(int node) {
    return copies.get(node - 1);
  }

  int majority() {
    return copies.size() / 2 + 1;
  }

  boolean sabotaged(Sabotage how) {
    return world.setup().sabotage().contains(how);
  }

  /** Index of the last entry that is committed anywhere. */
  long end() {
    return committed.size() - 1L;
  }

  /** A committed entry. */
  Entry entry(long index) {
    return committed.get((int) index);
  }

  /** A copy takes an entry for committed: all must take the same. */
  void committed(RaftCopy copy, long index) {
    Entry entry = copy.entry(index);
    if (index == committed.size()) {
      Trace.print("  log %d commits %d: %s", log, index, copies);
      committed.add(entry);
      observer.committed(log, index, entry);
    }
    Violation.check(
        committed.get((int) index).term() == entry.term(),
        "log %d has two entries at %d: of term %d, and at n%d of term %d",
        log,
        index,
        committed.get((int) index).term(),
        copy.node(),
        entry.term());
  }

  void happened(Event event) {
    observer.happened(event);
  }

  void lostLead(int node) {
    observer.lostLead(log, node);
  }

  // ---- leaders

  /** The member that leads, as far as a node can reach it; the newest when there are two. */
  Optional<RaftCopy> leaderFor(int node) {
    return copies.stream()
        .filter(copy -> copy.isLeader() && (copy.node() == node || connected(node, copy.node())))
        .max(Comparator.comparingLong(RaftCopy::term));
  }

  /** The member that leads, as somebody sees it who reaches all. */
  Optional<RaftCopy> leader() {
    return copies.stream()
        .filter(copy -> copy.isLeader() && world.reaches(copy.node(), log))
        .max(Comparator.comparingLong(RaftCopy::term));
  }

  boolean leads(int node) {
    return copy(node).isLeader();
  }

  /** Leaders that are not allowed to lead give up. */
  void dismiss(IntPredicate mayLead) {
    copies.stream()
        .filter(copy -> copy.isLeader() && !mayLead.test(copy.node()))
        .forEach(RaftCopy::stepDown);
  }

  /** Somebody who may lead stands for election. */
  void elect(IntPredicate mayLead, RandomGenerator random) {
    List<RaftCopy> candidates =
        copies.stream().filter(copy -> copy.isUp() && mayLead.test(copy.node())).toList();
    if (!candidates.isEmpty()) {
      candidates.get(random.nextInt(candidates.size())).standForElection();
    }
  }

  // ---- messages

  /** A message is on its way; false when there is no room for it. */
  boolean send(int from, int to, boolean heartbeat, RaftMessage message) {
    long waiting =
        underWay.stream()
            .filter(e -> e.from == from && e.to == to && e.heartbeat == heartbeat)
            .count();
    if (waiting >= FULL) {
      return false;
    }
    underWay.add(new Envelope(from, to, heartbeat, message));
    return true;
  }

  void broadcast(int from, RaftMessage message) {
    for (RaftCopy copy : copies) {
      if (copy.node() != from) {
        send(from, copy.node(), false, message);
      }
    }
  }

  /** A leader sends everybody what they lack. */
  void broadcastFrom(RaftCopy leader) {
    for (RaftCopy copy : copies) {
      if (copy != leader) {
        leader.send(copy.node());
      }
    }
  }

  private boolean connected(int one, int other) {
    return world.reaches(one, log) && world.reaches(other, log);
  }

  private boolean canArrive(Envelope envelope) {
    return copy(envelope.from).isUp()
        && copy(envelope.to).isUp()
        && connected(envelope.from, envelope.to);
  }

  /** Something happens in the group. */
  void step(RandomGenerator random) {
    List<Envelope> some = underWay.stream().filter(this::canArrive).toList();
    if (some.isEmpty() || random.nextInt(6) == 0) {
      tick(copies.get(random.nextInt(copies.size())), random);
      return;
    }
    Envelope drawn = some.get(random.nextInt(some.size()));
    if (random.nextInt(50) == 0) {
      breakConnection(drawn.from, drawn.to);
      return;
    }
    deliver(firstLike(drawn));
    if (random.nextInt(4) != 0) {
      copy(drawn.to).sync();
    }
  }

  private Envelope firstLike(Envelope drawn) {
    return underWay.stream()
        .filter(e -> e.from == drawn.from && e.to == drawn.to && e.heartbeat == drawn.heartbeat)
        .findFirst()
        .orElseThrow();
  }

  private void deliver(Envelope envelope) {
    underWay.remove(envelope);
    copy(envelope.to).receive(envelope.from, envelope.message);
  }

  private void breakConnection(int one, int other) {
    happened(Event.BROKEN_CONNECTIONS);
    underWay.removeIf(e -> (e.from == one && e.to == other) || (e.from == other && e.to == one));
    copy(one).reconnect(other);
    copy(other).reconnect(one);
  }

  private void tick(RaftCopy copy, RandomGenerator random) {
    if (!copy.isUp()) {
      return;
    }
    copy.sync();
    if (copy.isLeader()) {
      if (random.nextInt(4) == 0) {
        copies.forEach(other -> resend(copy, other));
      }
      copies.stream().filter(other -> other != copy).forEach(other -> copy.heartbeat(other.node()));
      broadcastFrom(copy);
    }
  }

  /** Answers that do not come in time: the leader begins again behind what it knows. */
  private void resend(RaftCopy leader, RaftCopy other) {
    boolean quiet =
        underWay.stream()
            .noneMatch(
                e ->
                    (e.from == leader.node() && e.to == other.node())
                        || (e.from == other.node() && e.to == leader.node()));
    if (other != leader && quiet) {
      leader.reconnect(other.node());
    }
  }

  // ---- nodes

  void stopped(int node) {
    copy(node).stop();
    underWay.removeIf(e -> e.from == node || e.to == node);
    copies.forEach(other -> other.reconnect(node));
  }

  /** A node has lost its copy. */
  void lost(int node) {
    long newest = copies.stream().mapToLong(RaftCopy::term).max().orElse(0);
    copy(node).lose(end(), newest);
    copies.forEach(other -> other.forget(node));
  }

  // ---- calm

  /** Everything that can arrive does, until there is nothing to say. */
  void settle(IntPredicate mayLead) {
    for (int round = 0; round < 3 && leader().isEmpty(); round++) {
      copies.stream()
          .filter(copy -> copy.isUp() && mayLead.test(copy.node()))
          .max(
              Comparator.comparingLong(RaftCopy::newestEntryTerm).thenComparingLong(RaftCopy::last))
          .ifPresent(RaftCopy::standForElection);
      deliverAll();
    }
    for (int round = 0; round < 4; round++) {
      leader()
          .ifPresent(
              copy -> {
                copies.forEach(other -> resend(copy, other));
                broadcastFrom(copy);
              });
      deliverAll();
    }
  }

  private void deliverAll() {
    Optional<Envelope> next = underWay.stream().filter(this::canArrive).findFirst();
    for (int messages = 0; next.isPresent(); messages++) {
      Violation.check(messages < MOST_MESSAGES, "log %d never comes to rest: %s", log, copies);
      deliver(next.get());
      copies.stream().filter(RaftCopy::isUp).forEach(RaftCopy::sync);
      next = underWay.stream().filter(this::canArrive).findFirst();
    }
    copies.stream().filter(RaftCopy::isUp).forEach(RaftCopy::sync);
  }

  /** An entry of Raft's own, such as those with which Ratis records its commit index. */
  void appendOwn() {
    leader().ifPresent(copy -> copy.append(null));
  }

  @Override
  public String toString() {
    return "log %d: %s, %d under way".formatted(log, copies, underWay.size());
  }
}
