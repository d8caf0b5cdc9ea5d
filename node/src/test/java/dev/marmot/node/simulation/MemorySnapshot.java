package dev.marmot.node.simulation;

import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.Snapshot;

/** A snapshot in memory. Immutable, as long as nobody changes the file. */
record MemorySnapshot(MemoryFile file) implements Snapshot {
  @Override
  public ReplicaState state() {
    return file.state();
  }

  static MemoryFile of(Snapshot snapshot) {
    return ((MemorySnapshot) snapshot).file();
  }
}
