package dev.marmot.node.simulation;

import dev.marmot.node.replication.ChangeSetId;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Every row that any application ever wrote, and what became of it: nothing is lost silently,
 * nothing is applied twice, no older write wins over one that had seen it. Confined to the
 * simulation's thread.
 */
final class WriteLedger {
  private final Map<Long, LocalWrite> writes = new HashMap<>();
  private long tokens;

  /** A row is written or deleted by an application. */
  LocalWrite add(int node, long file, RowKey key, boolean delete) {
    LocalWrite write = new LocalWrite(++tokens, node, file, key, delete);
    writes.put(write.token, write);
    return write;
  }

  /** A transaction was rolled back: its writes never were. */
  void forget(List<LocalWrite> rolledBack) {
    for (LocalWrite write : rolledBack) {
      write.rolledBack = true;
      writes.remove(write.token);
    }
  }

  /** The application saw the row and replaced, deleted or displaced it. */
  void replaced(RowImage row, LocalWrite by) {
    write(SampleTable.token(row)).replacedBy.add(by);
  }

  void lost(List<LocalWrite> gone) {
    gone.forEach(write -> write.lost = true);
  }

  /** The file of a node is lost: what nobody else was to get is gone with it. */
  void fileLost(int node) {
    writes.values().stream()
        .filter(write -> write.node == node && write.delivered.isEmpty())
        .forEach(write -> write.lost = true);
  }

  /**
   * An older image of a node's file was put back: what it lacks and nobody else was to get is gone.
   */
  void setBack(int node, MemoryFile image) {
    writes.values().stream()
        .filter(write -> write.node == node && write.delivered.isEmpty())
        .filter(write -> write.file != image.file || write.seq > image.newestSeq)
        .forEach(write -> write.lost = true);
    writes.values().stream()
        .filter(write -> write.node == node && write.file == image.file)
        .filter(write -> write.seq > image.newestSeq)
        .forEach(write -> write.file = -image.file); // its numbers are given again
  }

  /** The surviving writes that a capture of this file up to this change log row covers. */
  List<LocalWrite> coveredBy(int node, long file, long maxSeq) {
    List<LocalWrite> covered = new ArrayList<>();
    for (LocalWrite write : writes.values()) {
      if (write.node == node && write.file == file && write.seq <= maxSeq && !write.lost) {
        covered.add(write);
      }
    }
    return covered;
  }

  void delivered(long token, ChangeSetId by) {
    write(token).delivered.add(by);
  }

  LocalWrite write(long token) {
    LocalWrite write = writes.get(token);
    if (write == null) {
      throw new Violation("a row holds token " + token + ", which nobody wrote");
    }
    return write;
  }

  int size() {
    return writes.size();
  }

  /**
   * Checks the fate of every write once all is quiet.
   *
   * @param rows what all nodes hold
   * @param conflicts the conflict log of each live node
   * @param dead nodes that never came back
   */
  void checkFates(Map<RowKey, RowImage> rows, List<Set<Long>> conflicts, Set<Integer> dead) {
    Map<RowKey, Long> tokens = new HashMap<>();
    rows.forEach((key, row) -> tokens.put(key, SampleTable.token(row)));
    for (LocalWrite write : writes.values()) {
      checkFate(write, tokens, conflicts, dead);
    }
  }

  private static void checkFate(
      LocalWrite write, Map<RowKey, Long> rows, List<Set<Long>> conflicts, Set<Integer> dead) {
    // A delete may travel twice: a key that was noted, and is gone, is logged by the next insert.
    Violation.check(
        write.delete || write.delivered.size() <= 1,
        "%s was applied more than once: %s",
        write,
        write.delivered);
    boolean gone = write.lost || dead.contains(write.node);
    if (write.delivered.isEmpty() && gone) {
      return;
    }
    Violation.check(
        write.covered || gone || !write.delivered.isEmpty(), "%s was never replicated", write);
    if (write.delete) {
      return;
    }
    List<LocalWrite> successors = write.replacedBy.stream().filter(by -> counts(by, dead)).toList();
    boolean isFinal = Long.valueOf(write.token).equals(rows.get(write.key));
    long kept = conflicts.stream().filter(log -> log.contains(write.token)).count();
    if (!isFinal && successors.isEmpty()) {
      Violation.check(kept > 0, "%s is lost silently", write);
      Violation.check(
          kept == conflicts.size(),
          "%s lost, but only %d of %d nodes have it in the conflict log",
          write,
          kept,
          conflicts.size());
    }
    if (isFinal) {
      write.replacedBy.stream()
          .filter(by -> !by.delivered.isEmpty() && by.covered) // whole, if a limit cut it
          .findAny()
          .ifPresent(
              by -> {
                throw new Violation(write + " won, although " + by + " had seen it");
              });
    }
  }

  /** Whether a write took effect: if it was lost, what it replaced must still be somewhere. */
  private static boolean counts(LocalWrite write, Set<Integer> dead) {
    boolean gone = write.lost || dead.contains(write.node);
    return !write.rolledBack && (!gone || write.covered || !write.delivered.isEmpty());
  }
}
