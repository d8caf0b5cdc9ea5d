package dev.marmot.node.simulation;

import dev.marmot.node.replication.OlderCopyException;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.SimulatedNode.Part;
import dev.marmot.sqlite.Snapshot;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/** Brings snapshots from donors to those that need them. Confined to the simulation's thread. */
final class Installs {
  private final World world;
  private final BiConsumer<SimulatedNode, SplittableRandom> crash;

  /**
   * @param crash a donor died in the middle of its part
   */
  Installs(World world, BiConsumer<SimulatedNode, SplittableRandom> crash) {
    this.world = world;
    this.crash = crash;
  }

  /** A node that needs a snapshot asks somebody for it, and installs it once it is complete. */
  void step(SimulatedNode receiver, SplittableRandom random) {
    long needed = receiver.snapshotNeeded();
    if (needed < 0 || receiver.unreachable == SimulatedNode.EVERYTHING) {
      return;
    }
    world.coverage().count(Event.SNAPSHOTS_NEEDED);
    List<SimulatedNode> donors = world.donors(receiver, needed);
    if (donors.isEmpty()) {
      world.coverage().count(Event.WITHOUT_DONOR);
      return;
    }
    SimulatedNode donor = donors.get(random.nextInt(donors.size()));
    if (random.nextInt(30) == 0) {
      donor.giveUpDonation();
    }
    Optional<Snapshot> snapshot = ask(donor, random);
    boolean waits = donor.isDonating() && random.nextInt(4) == 0; // for long
    receiver.life().skips().donorWaits(waits ? donor.disk.current().position : -1);
    if (snapshot.isPresent() && snapshot.get().state().position() >= needed) {
      install(receiver, snapshot.get());
    }
  }

  private Optional<Snapshot> ask(SimulatedNode donor, SplittableRandom random) {
    try {
      return donor.donate(world.setup().maxRows(), world.setup().rules());
    } catch (Hazard.Killed e) {
      world.coverage().count(Event.KILLED_INSIDE);
      crash.accept(donor, random);
    } catch (Hazard.Failure e) {
      world.coverage().count(Event.FAILED_CALLS);
      donor.giveUpDonation();
    }
    return Optional.empty();
  }

  private void install(SimulatedNode receiver, Snapshot snapshot) {
    MemoryFile before = receiver.disk.current();
    checkNotSetBack(receiver, snapshot);
    receiver.busy.add(Part.APPLIER);
    boolean used = receiver.life().applier().install(snapshot, false);
    receiver.busy.remove(Part.APPLIER);
    MemoryFile after = receiver.disk.current();
    Trace.print("  n%d installs %d", receiver.id, after.position);
    world.coverage().count(Event.INSTALLS, used ? 1 : 0);
    world.coverage().count(Event.INSTALLS_OVER_PENDING, after.pending().isEmpty() ? 0 : 1);
    world.coverage().count(Event.INSTALLS_THAT_PARK, after.parked.isEmpty() ? 0 : 1);
    boolean skips = !before.skipped.containsAll(after.skipped);
    world.coverage().count(Event.INSTALLS_THAT_SKIP, skips ? 1 : 0);
  }

  /** As the replicator does before it installs. */
  private void checkNotSetBack(SimulatedNode receiver, Snapshot snapshot) {
    if (world.setup().sabotage().contains(Sabotage.OLDER_COPIES_GO_ON)) {
      return;
    }
    receiver
        .life()
        .olderCopy()
        .proof(snapshot.state().lastOf(receiver.id))
        .ifPresent(
            proof -> {
              throw new OlderCopyException(proof);
            });
  }
}
