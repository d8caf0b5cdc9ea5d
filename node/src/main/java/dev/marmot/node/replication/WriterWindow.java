package dev.marmot.node.replication;

import dev.marmot.sqlite.ReplicaStore.WriterEntry;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who wrote which key last, over the newest positions: tells whether a write had seen the row that
 * it replaces. Bounded by the number of keys; what falls out is decided by the order log alone, so
 * the window is the same on every node. Confined to the applier thread.
 */
final class WriterWindow {
  private final int capacity;
  private final Deque<WriterEntry> entries = new ArrayDeque<>();
  private final Map<Long, WriterEntry> newest = new HashMap<>();
  private long start;
  private int keys;

  WriterWindow(int capacity, List<WriterEntry> stored, long start) {
    this.capacity = capacity;
    this.start = start;
    stored.forEach(this::insert);
  }

  /** The record that wrote the key last; null when it is unknown. */
  @Nullable WriterEntry lastWriter(long keyHash) {
    return newest.get(keyHash);
  }

  /** Positions from this one on are remembered. */
  long start() {
    return start;
  }

  /** Adds a record. Records at one position are added in the order of their slots. */
  void add(WriterEntry entry) {
    insert(entry);
  }

  /** Forgets the oldest positions beyond the capacity; returns the new start. */
  long trim(long position) {
    while (keys > capacity && !entries.isEmpty() && entries.getFirst().position() < position) {
      long oldest = entries.getFirst().position();
      while (!entries.isEmpty() && entries.getFirst().position() == oldest) {
        forget(entries.removeFirst());
      }
      start = oldest + 1;
    }
    return start;
  }

  private void insert(WriterEntry entry) {
    entries.addLast(entry);
    keys += entry.keyHashes().length;
    for (long hash : entry.keyHashes()) {
      newest.put(hash, entry);
    }
  }

  private void forget(WriterEntry entry) {
    keys -= entry.keyHashes().length;
    for (long hash : entry.keyHashes()) {
      newest.remove(hash, entry);
    }
  }
}
