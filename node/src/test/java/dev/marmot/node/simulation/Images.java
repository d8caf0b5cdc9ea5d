package dev.marmot.node.simulation;

import dev.marmot.node.replication.EpochHistory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.random.RandomGenerator;

/** Images of a server from before its newest starts. Confined to the simulation's thread. */
final class Images {
  private static final int MOST = 3;

  private final Deque<Image> images = new ArrayDeque<>();

  record Image(MemoryFile file, EpochHistory epochs) {}

  /** The node starts. */
  void take(MemoryDisk disk, EpochHistory epochs) {
    if (images.size() == MOST) {
      images.removeFirst();
    }
    images.addLast(new Image(disk.durable(), epochs));
  }

  /** Any of them. */
  Image pick(RandomGenerator random) {
    return List.copyOf(images).get(random.nextInt(images.size()));
  }

  void clear() {
    images.clear();
  }
}
