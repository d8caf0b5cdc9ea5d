package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.EpochNumber;
import dev.marmot.node.replication.OlderCopyException;
import dev.marmot.node.replication.Origin;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.Schedule.Step;
import dev.marmot.node.simulation.SimulatedNode.Part;
import dev.marmot.proto.v1.BarrierFence;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ReplicaState;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Runs one schedule: faults and work in the order that it says, then a calm in which everything
 * must come to rest and agree. Confined to one thread.
 */
final class Simulation {
  /** Rounds within which all must be quiet after the last fault. */
  private static final int CALM_ROUNDS = 300;

  private final Schedule schedule;
  private final World world;
  private final Installs installs;
  private long clock;
  private long fences;

  Simulation(Schedule schedule) {
    this(schedule, Optional.empty());
  }

  /**
   * @param twins where to keep a real SQLite file beside each file in memory, if anywhere
   */
  Simulation(Schedule schedule, Optional<Path> twins) {
    this.schedule = schedule;
    this.world = new World(schedule.setup(), twins);
    this.installs = new Installs(world, (donor, random) -> crash(donor, random, false));
  }

  Coverage coverage() {
    return world.coverage();
  }

  /** Closes what is open outside the memory. */
  void close() {
    world.nodes().forEach(SimulatedNode::close);
  }

  /** Runs it all; throws what is found, a {@link Violation} or an exception of the protocol's. */
  void run() {
    SplittableRandom random = new SplittableRandom(schedule.seed());
    world.nodes().forEach(node -> node.start(random));
    for (Step step : schedule.steps()) {
      take(step);
      world.coverage().count(Event.STEPS);
    }
    Trace.print("calm");
    calm();
  }

  private void take(Step step) {
    Trace.print("%s", step);
    SplittableRandom random = new SplittableRandom(step.seed());
    SimulatedNode node = world.nodes().get(step.node() - 1);
    clock += random.nextInt(200);
    world.dismissLeaders();
    switch (step.action()) {
      case NETWORK -> {
        int log = random.nextInt(world.logs().logs());
        if (world.logs().log(log).leader().isEmpty() && random.nextInt(3) == 0) {
          world.elect(log, random);
        }
        for (int i = 0; i < 5; i++) {
          world.network().step(random);
        }
      }
      case TRANSACTION -> transact(node, random);
      case SYNC -> node.disk.sync();
      case ELECTION -> {
        elect(random);
        Strays.step(world, random);
      }
      case RECORD_BY_OTHER -> recordByOther(random);
      case CRASH, POWER_LOSS, DEATH, SUSPICION, KILL_INSIDE, CALL_FAILS, CUT -> {
        if (random.nextInt(100) < schedule.setup().faultPercent()) {
          fault(step, node, random);
        }
      }
      case START -> {
        if (!node.isUp() && !node.dead) {
          start(node, random);
        }
      }
      default -> {
        if (node.isUp()) {
          work(step, node, random);
        }
      }
    }
  }

  private void transact(SimulatedNode node, SplittableRandom random) {
    if (node.mayWrite()
        && node.application.transact(node.disk, schedule.setup().sabotage(), random)
        && node.isUp()) {
      Trace.print("  n%d writes, seq %d", node.id, node.disk.current().newestSeq);
      node.life().store().applicationCommitted();
    }
  }

  private void elect(SplittableRandom random) {
    int log = random.nextInt(world.logs().logs());
    Optional<RaftCopy> leader = world.logs().log(log).leader();
    if (leader.isEmpty() || random.nextInt(3) == 0) {
      world.elect(log, random);
    } else if (random.nextInt(3) == 0) {
      leader.get().stepDown();
      world.coverage().count(Event.LEADERLESS_LOGS);
    } else {
      leader.get().append(null); // an entry of Raft's own, such as those about its commit index
    }
  }

  private void start(SimulatedNode node, SplittableRandom random) {
    if (node.mustJoinAgain) {
      if (world.wholeBeside(node) <= world.nodes().size() / 2) {
        return; // nobody could give it what it lacks
      }
      node.joinAgain();
    }
    try {
      node.start(random);
      world.coverage().count(Event.RESTARTS);
      for (int log = 0; log < world.logs().logs(); log++) {
        node.deliver(log, random.nextLong(-1, world.logs().log(log).end() + 1));
      }
    } catch (Hazard.Killed | Hazard.Failure e) {
      node.stop(); // it is started again by whoever watches over it
    }
  }

  /** A part of the process does its work, and perhaps dies or fails in the middle of it. */
  private void work(Step step, SimulatedNode node, SplittableRandom random) {
    node.busy.clear();
    try {
      switch (step.action()) {
        case ORIGIN -> send(node);
        case DELIVER -> deliver(node, random);
        case DELIVER_AND_APPLY -> {
          deliver(node, random);
          apply(node);
        }
        case APPLY -> apply(node);
        case FENCE -> fence(node);
        case INSTALL -> {
          installs.step(node, random);
          learn(node, world.nodes().get(random.nextInt(world.nodes().size())));
        }
        case INTERLEAVE -> interleave(node, random);
        default -> throw new IllegalStateException("unknown step " + step);
      }
    } catch (OlderCopyException e) {
      noticed(node, e);
    } catch (Hazard.Killed e) {
      world.coverage().count(Event.KILLED_INSIDE);
      crash(node, random, random.nextInt(3) == 0);
    } catch (Hazard.Failure e) {
      world.coverage().count(Event.FAILED_CALLS);
    }
  }

  /** A node that was set back stops for good. */
  private void noticed(SimulatedNode node, OlderCopyException proof) {
    Trace.print("  n%d was set back", node.id);
    world.coverage().count(Event.SET_BACK_NOTICED);
    node.noticed(proof);
  }

  private void send(SimulatedNode node) {
    node.busy.add(Part.ORIGIN);
    Origin origin = node.life().origin();
    long epoch = origin.progress().epoch();
    origin.step(clock);
    if (schedule.setup().purges()) {
      upkeep(node);
    }
    if (epoch != 0 && origin.progress().epoch() > epoch) {
      world.coverage().count(Event.REOPENED_EPOCHS);
    }
    node.busy.remove(Part.ORIGIN);
  }

  private void upkeep(SimulatedNode node) {
    Floor before = node.floors[0];
    node.life().upkeep().step(clock);
    world.coverage().count(Event.PURGES, node.floors[0].equals(before) ? 0 : 1);
  }

  /** While one thread of the process is at work, another has its turn. */
  private void interleave(SimulatedNode node, SplittableRandom random) {
    node.hazard.interleaveAfter(
        1 + random.nextInt(20),
        () -> {
          world.coverage().count(Event.INTERLEAVED_THREADS);
          Trace.print("  n%d: another thread", node.id);
          int turns = 1 + random.nextInt(3);
          for (int i = 0; i < turns; i++) {
            try {
              turn(node, random);
            } catch (Hazard.Failure e) {
              world.coverage().count(Event.FAILED_CALLS); // it fails that thread, not this one
            }
          }
        });
  }

  /** Any thread but those that are at work; the application waits for the write lock. */
  private void turn(SimulatedNode node, SplittableRandom random) {
    int turn = random.nextInt(4);
    if (turn == 0 && !node.busy.contains(Part.LOGS)) {
      deliver(node, random);
    } else if (turn == 1 && !node.life().store().isWriting()) {
      transact(node, random);
    } else if (turn == 2 && !node.busy.contains(Part.APPLIER)) {
      apply(node);
    } else if (turn == 3 && !node.busy.contains(Part.ORIGIN)) {
      send(node);
    }
  }

  private void deliver(SimulatedNode node, SplittableRandom random) {
    if (node.unreachable == SimulatedNode.EVERYTHING) {
      return;
    }
    node.busy.add(Part.LOGS);
    for (int log = 0; log < world.logs().logs(); log++) {
      long from = node.life().logs().committed(new LogId(log));
      if (log != node.unreachable && random.nextInt(5) < 3) {
        node.deliver(log, random.nextLong(from, world.logs().log(log).end() + 1));
      }
    }
    node.busy.remove(Part.LOGS);
  }

  private void apply(SimulatedNode node) {
    node.busy.add(Part.APPLIER);
    boolean more = node.life().applier().step();
    if (!more && node.disk.current().position < node.life().logs().committed(LogId.ORDER)) {
      world.coverage().count(Event.WAITS_FOR_CHUNKS);
    }
    node.busy.remove(Part.APPLIER);
  }

  /** A node takes from another one what its conflict log lacks. */
  private void learn(SimulatedNode node, SimulatedNode from) {
    boolean reachable =
        node.unreachable != SimulatedNode.EVERYTHING
            && from.unreachable != SimulatedNode.EVERYTHING;
    if (node != from && !from.dead && from.isUp() && reachable) {
      node.busy.add(Part.APPLIER);
      node.life().applier().learn(from.disk.current().conflictsBeyond(node.disk.current()));
      node.busy.remove(Part.APPLIER);
    }
  }

  private void fence(SimulatedNode node) {
    fences++;
    node.life()
        .origin()
        .propose(
            Fence.newBuilder()
                .setId("fence " + fences)
                .setBarrier(BarrierFence.getDefaultInstance())
                .build());
  }

  private void fault(Step step, SimulatedNode node, SplittableRandom random) {
    switch (step.action()) {
      case CRASH -> crash(node, random, false);
      case POWER_LOSS -> crash(node, random, true);
      case KILL_INSIDE -> node.hazard.killAfter(1 + random.nextInt(30));
      case CALL_FAILS -> node.hazard.failAfter(1 + random.nextInt(30));
      case CUT -> cut(node, random);
      case SUSPICION -> suspect(node.id, false);
      case DEATH -> {
        long dead = world.nodes().stream().filter(other -> other.dead).count();
        boolean othersSuffice = world.wholeBeside(node) > world.nodes().size() / 2;
        if (schedule.setup().nodesDie() && othersSuffice && dead < (world.nodes().size() - 1) / 2) {
          crash(node, random, random.nextBoolean());
          node.dead = true;
          world.coverage().count(Event.DEAD_NODES);
        }
      }
      default -> throw new IllegalStateException("unknown fault " + step);
    }
  }

  private void cut(SimulatedNode node, SplittableRandom random) {
    if (node.unreachable != SimulatedNode.NOTHING) {
      node.unreachable = SimulatedNode.NOTHING;
    } else if (random.nextInt(3) == 0) {
      node.unreachable = SimulatedNode.EVERYTHING;
      world.coverage().count(Event.CUT_OFF_NODES);
    } else {
      node.unreachable = random.nextInt(world.logs().logs());
      world.coverage().count(Event.STALLED_COPIES);
    }
  }

  /** Whoever holds all chunks of a change set may propose its record, too. */
  private void recordByOther(SplittableRandom random) {
    world
        .records()
        .complete(random)
        .ifPresent(
            record -> {
              world.coverage().count(Event.RECORDS_BY_OTHERS);
              world.network().proposeFromOutside(0, KnownRecords.entry(record));
            });
  }

  /** Somebody takes an origin for dead, and ends its epoch. */
  private void suspect(int origin, boolean forEver) {
    long epoch = world.reference().minEpoch(origin);
    if (epoch != ReplicaState.REMOVED) {
      world.coverage().count(forEver ? Event.REMOVALS : Event.SUSPICIONS);
      Epoch.Builder item = Epoch.newBuilder().setOrigin(origin);
      item = forEver ? item.setRemoved(true) : item.setEpoch(EpochNumber.ending(epoch));
      world.network().proposeFromOutside(0, entry(item.build()));
    }
  }

  private static ByteString entry(Epoch epoch) {
    return OrderLogEntry.newBuilder()
        .setFormat(1)
        .addItems(OrderItem.newBuilder().setEpoch(epoch))
        .build()
        .toByteString();
  }

  private void crash(SimulatedNode node, SplittableRandom random, boolean powerLoss) {
    if (node.dead) {
      return;
    }
    Trace.print("  n%d dies%s", node.id, powerLoss ? " by power loss" : "");
    node.stop();
    world.coverage().count(powerLoss ? Event.POWER_LOSSES : Event.CRASHES);
    if (powerLoss && world.twins().isEmpty()) { // a real file would have to be set back, too
      var gone = node.disk.losePower(random, schedule.setup().sabotage());
      world.ledger().lost(gone);
      world.coverage().count(Event.LOST_COMMITS, gone.isEmpty() ? 0 : 1);
      world.logs().lostPower(node.id, random);
    }
    int luck = random.nextInt(100);
    boolean othersSuffice = world.wholeBeside(node) > world.nodes().size() / 2;
    if (luck < 6 && othersSuffice) {
      node.loseCopies();
      world.coverage().count(Event.LOST_LOG_COPIES);
    } else if (luck < 12 && othersSuffice) {
      node.replaceFile();
      world.ledger().fileLost(node.id);
      world.coverage().count(Event.LOST_FILES);
    } else if (luck < 15 && othersSuffice && world.mayGoBack()) {
      node.setBack(random);
      world.coverage().count(Event.SET_BACK);
    } else if (luck < 19 && othersSuffice && world.mayGoBack() && node.setFileBack(random)) {
      Trace.print("  n%d: an older file, seq %d", node.id, node.disk.current().newestSeq);
      world.coverage().count(Event.FILES_SET_BACK);
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      transact(node, random); // the application goes on before the process is back
    }
  }

  /** No more faults: within a bound everything is decided, applied and equal. */
  private void calm() {
    SplittableRandom random = new SplittableRandom(schedule.seed());
    for (SimulatedNode node : world.living()) {
      node.unreachable = SimulatedNode.NOTHING;
      node.hazard.disarm();
      if (!node.isUp()) {
        start(node, random);
      }
    }
    if (!schedule.setup().purges() || random.nextInt(3) == 0) { // else their chunks expire
      world.nodes().stream().filter(n -> n.dead).forEach(n -> suspect(n.id, true));
    }
    for (int round = 0; round < CALM_ROUNDS; round++) {
      world.dismissLeaders();
      calmRound(random);
      if (round > 5
          && world.network().isEmpty()
          && world.living().stream().allMatch(node -> node.isUp() && node.isQuiet())) {
        checkRest();
        return;
      }
    }
    throw new Violation(
        "not quiet after %d rounds: %s"
            .formatted(
                CALM_ROUNDS,
                world.living().stream()
                    .filter(SimulatedNode::isUp)
                    .map(SimulatedNode::describe)
                    .toList()));
  }

  private void calmRound(SplittableRandom random) {
    clock += 2_000;
    for (SimulatedNode node : world.living()) {
      if (!node.isUp()) {
        start(node, random);
      }
      guarded(
          node,
          () -> {
            node.life().origin().step(clock);
            if (schedule.setup().purges()) {
              upkeep(node);
            }
          });
    }
    world.network().settle(world::mayLead);
    for (SimulatedNode node : world.living()) {
      guarded(
          node,
          () -> {
            for (int log = 0; log < world.logs().logs(); log++) {
              node.deliver(log, world.logs().log(log).end());
            }
            while (node.life().applier().step()) {
              world.coverage().count(Event.STEPS);
            }
            node.disk.sync();
            installs.step(node, random);
          });
    }
    for (SimulatedNode node : world.living()) {
      guarded(node, () -> world.living().forEach(from -> learn(node, from)));
    }
    if (world.living().stream().allMatch(node -> node.isUp() && node.snapshotNeeded() < 0)) {
      world.living().forEach(SimulatedNode::giveUpDonation); // nobody asks any more
    }
  }

  private void guarded(SimulatedNode node, Runnable part) {
    if (node.isUp()) {
      try {
        part.run();
      } catch (OlderCopyException e) {
        noticed(node, e);
      }
    }
  }

  private void checkRest() {
    List<SimulatedNode> living = world.living();
    MemoryFile first = living.get(0).disk.current();
    for (SimulatedNode node : living) {
      MemoryFile file = node.disk.current();
      Violation.check(
          file.rows.equals(first.rows),
          "n%d and n%d differ at rest: %s and %s",
          node.id,
          living.get(0).id,
          file.rows.values(),
          first.rows.values());
    }
    Map<Integer, List<Conflict>> conflicts = new HashMap<>();
    living.forEach(node -> conflicts.put(node.id, node.disk.current().conflicts()));
    world.conflicts().checkRest(conflicts);
    world
        .ledger()
        .checkFates(
            first.rows,
            living.stream().map(node -> node.disk.current().conflictTokens()).toList(),
            world.nodes().stream()
                .filter(node -> node.dead)
                .map(node -> node.id)
                .collect(java.util.stream.Collectors.toSet()));
  }
}
