package dev.marmot.node.replication;

import dev.marmot.proto.v1.Fence;
import java.util.List;

/**
 * Consecutive entries of the order log, judged and with their rows at hand, to be applied in one
 * transaction. Immutable.
 *
 * @param entries at least one
 */
record Plan(List<Entry> entries) {
  Plan {
    entries = List.copyOf(entries);
  }

  /** The last planned entry; its place is the position after the transaction. */
  Entry last() {
    return entries.get(entries.size() - 1);
  }

  /** One entry of the order log; entries without effect are listed too, for their index. */
  record Entry(long index, long term, List<Action> actions) {
    Entry {
      actions = List.copyOf(actions);
    }
  }

  /** What an item of an entry does. Items that are refused do nothing and are not listed. */
  sealed interface Action {
    /** Applies a change set. */
    record Apply(ChangeSet changes) implements Action {}

    /** Fires a fence, which is a change set without rows. */
    record Fire(ChangeSet changes, Fence fence) implements Action {}

    /** Raises the lowest live epoch of an origin. */
    record OpenEpoch(int origin, long epoch) implements Action {}
  }
}
