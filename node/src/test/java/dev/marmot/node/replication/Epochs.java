package dev.marmot.node.replication;

/** Epochs of a node that is never started again. Confined to the origin's thread. */
final class Epochs implements EpochCounter {
  private volatile EpochHistory history = EpochHistory.NONE;

  @Override
  public long load() {
    return history.newest();
  }

  @Override
  public void store(long epoch) {
    history = history.with(epoch);
  }

  @Override
  public int draw() {
    return 7;
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
