package dev.marmot.sqlite.snapshot;

import java.time.Instant;
import java.util.Map;

/**
 * What a snapshot file says of itself. Immutable.
 *
 * @param cluster the cluster that it is of; empty when it had none
 * @param position position in the order log at which the rows stand
 * @param version of Marmot, which wrote it
 * @param heldRows rows that the saving node could not store, so that the file lacks them
 * @param tables number of rows and content hash of each replicated table by name
 */
public record SnapshotInfo(
    String cluster,
    long term,
    long position,
    Instant time,
    String version,
    long heldRows,
    Map<String, String> tables) {
  public SnapshotInfo {
    tables = Map.copyOf(tables);
  }
}
