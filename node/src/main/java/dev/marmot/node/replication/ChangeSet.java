package dev.marmot.node.replication;

import dev.marmot.sqlite.RowImage;
import java.util.List;

/**
 * An accepted change set with its rows. Immutable.
 *
 * @param maxSeq newest change log row of the origin's file that it covers
 * @param file identity of the origin's file
 * @param base order log index at which the origin stood when it captured
 */
record ChangeSet(ChangeSetId id, long maxSeq, long file, long base, List<RowImage> rows) {
  ChangeSet {
    rows = List.copyOf(rows);
  }

  int origin() {
    return id.origin();
  }
}
