package dev.marmot.sqlite;

import java.util.List;

/**
 * What one capture read in one read transaction: a consistent piece of history. Immutable.
 *
 * @param rows one image per changed row, in the order of the newest change of each
 * @param maxSeq newest change log row that {@code rows} covers
 * @param base order log index at which the file stood in that transaction
 * @param complete false when a limit cut the change log tail: more rows wait behind {@code maxSeq}
 */
public record CapturedChanges(
    List<RowImage> rows, long maxSeq, long base, long schemaVersion, long file, boolean complete) {
  public CapturedChanges {
    rows = List.copyOf(rows);
  }
}
