package dev.marmot.sqlite.store;

import dev.marmot.sqlite.FileSetBackException;
import dev.marmot.sqlite.ReplicaState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Compares what the file says of itself with what this process knows of it: a file that was set
 * back under a running node says something older. Confined to its connection's thread.
 */
final class SetBackCheck implements AutoCloseable {
  /** Under this key the file has the number of its start. */
  static final String START = "generation";

  private final Query query;
  private final BookkeepingMemory memory;

  SetBackCheck(Connection connection, BookkeepingMemory memory) throws SQLException {
    this.memory = memory;
    this.query =
        new Query(
            connection,
            "SELECT position, file, (SELECT value FROM main.__marmot_meta WHERE key='"
                + START
                + "') FROM main.__marmot_state WHERE id=0");
  }

  /**
   * Call in a transaction that sees the file as it is.
   *
   * @param known what was committed last, for all that the caller knew before that transaction
   * @param newestSeq newest row of the change log
   * @param seqFloor newest one that was ever read: the newest row is never deleted
   * @throws FileSetBackException when the file is older than that
   */
  void run(ReplicaState known, long newestSeq, long seqFloor) throws SQLException {
    Found[] found = new Found[1];
    query.forEach(
        row ->
            found[0] = new Found(row.number(0), row.number(1), row.isNull(2) ? null : row.text(2)));
    Optional<String> proof =
        found[0] == null
            ? Optional.of("its position is gone")
            : proof(found[0], known, newestSeq, seqFloor);
    if (proof.isPresent()) {
      throw new FileSetBackException(
          "cannot go on: the SQLite file was set back to an older copy while Marmot ran (%s): what"
                  .formatted(proof.get())
              + " it lacks would be lost silently; put the newest file back, or start with --adopt to"
              + " take the rows of the cluster");
    }
  }

  private record Found(long position, long file, @Nullable String start) {}

  private Optional<String> proof(Found found, ReplicaState known, long newestSeq, long seqFloor) {
    Optional<String> start = memory.meta(START);
    if (found.file() != known.file()) {
      return Optional.of("it is another file");
    }
    if (start.isPresent() && found.start() != null && !start.get().equals(found.start())) {
      return Optional.of("it is of another start");
    }
    if (found.position() < known.position()) {
      return Optional.of(
          "it stands at position %d, and stood at %d"
              .formatted(found.position(), known.position()));
    }
    return newestSeq < seqFloor
        ? Optional.of(
            "its change log ends with row %d, and had row %d".formatted(newestSeq, seqFloor))
        : Optional.empty();
  }

  @Override
  public void close() throws SQLException {
    query.close();
  }
}
