package dev.marmot.node.simulation;

import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A row that an application wrote or deleted, and its fate. Confined to the simulation's thread.
 */
final class LocalWrite {
  final long token;
  final int node;

  /** The file that its change log row counts in. */
  long file;

  final RowKey key;
  final boolean delete;

  /** Newest change log row of its statement: a capture up to there covers it. */
  long seq;

  /** Its commit did not survive a power loss, or its file was lost. */
  boolean lost;

  /** Its transaction was rolled back: it never was. */
  boolean rolledBack;

  /** An accepted change set was captured after it, from the same file. */
  boolean covered;

  /** Accepted change sets that carry it. */
  final Set<ChangeSetId> delivered = new LinkedHashSet<>();

  /** Writes whose application saw this one under the key, or in their way, and replaced it. */
  final List<LocalWrite> replacedBy = new ArrayList<>();

  LocalWrite(long token, int node, long file, RowKey key, boolean delete) {
    this.token = token;
    this.node = node;
    this.file = file;
    this.key = key;
    this.delete = delete;
  }

  @Override
  public String toString() {
    return "%s %d of %s by n%d"
        .formatted(delete ? "delete" : "write", token, SampleTable.show(key), node);
  }
}
