package dev.marmot.node.simulation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Where one SQLite file lives: survives a crash of the process; a power loss takes back some of the
 * commits since the last sync. Confined to the simulation's thread.
 */
final class MemoryDisk {
  /** Commits that may be unsynced: then the oldest becomes durable, as by a checkpoint. */
  private static final int MOST_UNSYNCED = 30;

  private static final int IMAGE_EVERY = 3;
  private static final int MOST_IMAGES = 6;

  /** A committed state and the application's writes in its last transaction. */
  private record Version(MemoryFile file, List<LocalWrite> writes) {}

  /** Oldest first; the first is durable, the last is what everybody reads. */
  private final Deque<Version> versions = new ArrayDeque<>();

  /** Durable states of the past, such as backups and images of the disk hold them. */
  private final Deque<MemoryFile> images = new ArrayDeque<>();

  private int syncs;

  MemoryDisk(long file) {
    this(new MemoryFile(file));
  }

  /** A disk with a file that was there before. */
  MemoryDisk(MemoryFile file) {
    versions.add(new Version(file, List.of()));
  }

  /** What a power loss leaves at least. */
  MemoryFile durable() {
    return versions.getFirst().file();
  }

  /** The newest committed state; must not be changed. */
  MemoryFile current() {
    return versions.getLast().file();
  }

  void commit(MemoryFile next, List<LocalWrite> writes) {
    versions.addLast(new Version(next, List.copyOf(writes)));
    if (versions.size() > MOST_UNSYNCED) {
      versions.removeFirst();
    }
  }

  void sync() {
    Version newest = versions.getLast();
    versions.clear();
    versions.add(new Version(newest.file(), List.of()));
    if (syncs++ % IMAGE_EVERY == 0) {
      images.addLast(newest.file());
      if (images.size() > MOST_IMAGES) {
        images.removeFirst();
      }
    }
  }

  /** An older copy of the file takes its place; false when there is none. */
  boolean setBack(RandomGenerator random) {
    MemoryFile newest = current();
    List<MemoryFile> older =
        images.stream()
            .filter(image -> image.position < newest.position || image.newestSeq < newest.newestSeq)
            .toList();
    if (older.isEmpty()) {
      return false;
    }
    MemoryFile image = older.get(random.nextInt(older.size()));
    versions.clear();
    versions.add(new Version(image, List.of()));
    images.clear();
    return true;
  }

  /** Power loss: returns the application's writes that are gone. */
  List<LocalWrite> losePower(RandomGenerator random, Set<Sabotage> sabotage) {
    MemoryFile newest = current();
    int lost = random.nextInt(versions.size());
    List<LocalWrite> gone = new ArrayList<>();
    for (int i = 0; i < lost; i++) {
      gone.addAll(versions.removeLast().writes());
    }
    sync();
    if (sabotage.contains(Sabotage.POSITION_OUTSIDE_TRANSACTION)) {
      keepBookkeeping(newest);
    }
    return gone;
  }

  /** The file is lost; a new one takes its place. */
  void replace(long file) {
    versions.clear();
    images.clear();
    versions.add(new Version(new MemoryFile(file), List.of()));
  }

  /** An older image of the file is put back. */
  void putBack(MemoryFile image) {
    versions.clear();
    images.clear();
    versions.add(new Version(image, List.of()));
  }

  private void keepBookkeeping(MemoryFile newest) {
    MemoryFile torn = current().copy();
    torn.position = newest.position;
    torn.term = newest.term;
    torn.windowStart = newest.windowStart;
    torn.last.putAll(newest.last);
    torn.minEpoch.putAll(newest.minEpoch);
    versions.clear();
    versions.add(new Version(torn, List.of()));
  }
}
