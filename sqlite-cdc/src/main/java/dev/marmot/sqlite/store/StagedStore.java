package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import dev.marmot.sqlite.StagedReplica;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The replica store on a staged copy: it applies, and does nothing else. Confined to one thread.
 */
final class StagedStore implements ReplicaStore {
  private final Connection connection;
  private final WriteSide side;
  private ReplicaState state;

  StagedStore(Connection connection, WriteSide side, ReplicaState state) {
    this.connection = connection;
    this.side = side;
    this.state = state;
  }

  @Override
  public ReplicaState state() {
    return state;
  }

  @Override
  public List<WriterEntry> writers() {
    try {
      return Bookkeeping.writers(connection);
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("read the writers", e);
    }
  }

  @Override
  public ApplyTransaction begin() {
    SqliteTransaction transaction =
        new SqliteTransaction(side, state, committed -> state = committed);
    transaction.begin();
    return transaction;
  }

  @Override
  public StagedReplica stage() {
    throw only("be copied");
  }

  @Override
  public List<WriterEntry> writers(Snapshot snapshot) {
    throw only("read a snapshot");
  }

  @Override
  public InstallTransaction install(Snapshot snapshot) {
    throw only("install a snapshot");
  }

  private static UnsupportedOperationException only(String what) {
    return new UnsupportedOperationException(
        "cannot " + what + ": a staged copy only applies; ask the store that it was copied from");
  }

  @Override
  public Optional<CapturedChanges> capture(long afterSeq, CaptureLimits limits) {
    return Optional.empty();
  }

  @Override
  public long newestSeq() {
    return 0;
  }

  @Override
  public long pendingChanges() {
    return 0;
  }

  /** The copy becomes durable when it is sealed. */
  @Override
  public void sync() {}

  /** Nobody else commits to the copy. */
  @Override
  public void onCommit(Runnable wake) {}

  @Override
  public OptionalLong heldSchema() {
    return OptionalLong.empty();
  }

  @Override
  public List<String> warnings() {
    return List.of();
  }

  @Override
  public void close() {
    try {
      side.close();
    } catch (SQLException e) {
      throw SqliteReplicationException.cannot("close the staged copy", e);
    }
  }
}
