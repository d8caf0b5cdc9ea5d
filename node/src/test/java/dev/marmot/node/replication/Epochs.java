package dev.marmot.node.replication;

/** Epochs of a node that is never started again. Confined to the origin's thread. */
final class Epochs implements EpochCounter {
  private long newest;

  @Override
  public long load() {
    return newest;
  }

  @Override
  public void store(long epoch) {
    newest = epoch;
  }
}
