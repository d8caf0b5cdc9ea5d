package dev.marmot.node.simulation;

import dev.marmot.node.replication.EpochCounter;
import dev.marmot.node.replication.EpochHistory;

/** The epochs on a node's disk: a store is durable at once. Confined to the simulation's thread. */
final class SimulatedEpochs implements EpochCounter {
  private final Hazard hazard;
  private EpochHistory history = EpochHistory.NONE;
  private int draws;

  SimulatedEpochs(Hazard hazard) {
    this.hazard = hazard;
  }

  EpochHistory history() {
    return history;
  }

  /** An older image of the disk is put back, or another disk takes its place. */
  void putBack(EpochHistory image) {
    history = image;
  }

  @Override
  public long load() {
    return history.newest();
  }

  @Override
  public void store(long epoch) {
    hazard.pass();
    history = history.with(epoch);
    hazard.pass();
  }

  /** Random enough: another one for each life, also of one that was set back. */
  @Override
  public int draw() {
    draws++;
    return Integer.reverse(draws);
  }

  @Override
  public void settled(long epoch) {
    history = history.settled(epoch);
  }

  @Override
  public boolean isForeign(long epoch) {
    return history.isForeign(epoch);
  }
}
