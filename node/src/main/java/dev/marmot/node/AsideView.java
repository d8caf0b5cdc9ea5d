package dev.marmot.node;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.replication.Replicator;
import dev.marmot.proto.v1.ConflictEntry;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.HeldRow;
import dev.marmot.proto.v1.NotSentRow;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.HeldBackRow;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** The rows beside the tables, for operators: the conflict log and what is held. Thread-safe. */
final class AsideView {
  private static final Duration RETRY_TIMEOUT = Duration.ofSeconds(30);
  private static final int PAGE_BYTES = 4 << 20;
  private static final int TABLES_NAMED = 5;

  private final SqliteReplicaStore store;
  private final Replicator replicator;

  AsideView(SqliteReplicaStore store, Replicator replicator) {
    this.store = store;
    this.replicator = replicator;
  }

  AsideCounts counts() {
    return store.asideCounts();
  }

  ConflictsReply conflicts(long after, int limit) {
    Charset charset = store.charset();
    AsideCounts counts = store.asideCounts();
    ConflictsReply.Builder reply =
        ConflictsReply.newBuilder()
            .setTotal(counts.conflicts())
            .setNewestId(counts.newestConflict());
    int[] bytes = {0};
    store.conflicts(
        after,
        logged -> {
          ConflictEntry entry = entry(logged, new ColumnText(charset));
          reply.addConflicts(entry);
          bytes[0] += entry.getSerializedSize();
          return reply.getConflictsCount() < limit && bytes[0] < PAGE_BYTES;
        });
    return reply.build();
  }

  private static ConflictEntry entry(LoggedConflict logged, ColumnText text) {
    Conflict conflict = logged.conflict();
    return ConflictEntry.newBuilder()
        .setId(logged.id())
        .setTimeMillis(logged.timeMillis())
        .setTable(conflict.losing().table())
        .addAllKey(text.key(conflict.losing()))
        .addAllLosing(text.values(conflict.losing()))
        .setLosingOrigin(conflict.losingOrigin())
        .setWinningOrigin(conflict.winningOrigin())
        .setPosition(conflict.position())
        .setReason(conflict.reason().name())
        .build();
  }

  HeldReply held(long after, int limit) {
    Charset charset = store.charset();
    HeldReply.Builder reply = HeldReply.newBuilder().setTotal(store.asideCounts().held());
    if (after == 0) {
      reply.setNotSentTotal(store.heldBackRows());
      store.heldBack().forEach(row -> reply.addNotSent(notSent(row, new ColumnText(charset))));
    }
    int[] bytes = {0};
    store.held(
        after,
        row -> {
          HeldRow entry = entry(row.held(), row.sinceMillis(), new ColumnText(charset));
          reply.addRows(entry);
          bytes[0] += entry.getSerializedSize();
          return reply.getRowsCount() < limit && bytes[0] < PAGE_BYTES;
        });
    return reply.build();
  }

  private static NotSentRow notSent(HeldBackRow row, ColumnText text) {
    return NotSentRow.newBuilder()
        .setSinceMillis(row.sinceMillis())
        .setTable(row.key().table())
        .addAllKey(text.key(row.key()))
        .setBytes(row.bytes())
        .build();
  }

  private static HeldRow entry(Held held, long sinceMillis, ColumnText text) {
    return HeldRow.newBuilder()
        .setId(held.id())
        .setSinceMillis(sinceMillis)
        .setTable(held.image().table())
        .addAllKey(text.key(held.image()))
        .addAllValues(text.values(held.image()))
        .setOrigin(held.origin())
        .setReason(held.reason())
        .build();
  }

  /** What a ready node should still tell: {@code 2 rows are held: t (no such table); see ...}. */
  List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    store.dropped().ifPresent(warnings::add);
    long held = counts().held();
    if (held > 0) {
      warnings.add(heldWarning(held));
    }
    int notSent = store.heldBackRows();
    if (notSent > 0) {
      warnings.add(
          "%d %s larger than max-row-bytes and not sent; see marmot held"
              .formatted(notSent, notSent == 1 ? "row is" : "rows are"));
    }
    return warnings;
  }

  private String heldWarning(long held) {
    List<String> reasons = new ArrayList<>();
    store.held(
        0,
        row -> {
          String reason = row.held().image().table() + ": " + row.held().reason();
          if (!reasons.contains(reason)) {
            reasons.add(reason);
          }
          return reasons.size() < TABLES_NAMED;
        });
    return "%d %s held: %s; see marmot held"
        .formatted(held, held == 1 ? "row is" : "rows are", String.join("; ", reasons));
  }

  CompletionStage<RetryReply> retry() {
    return replicator
        .retryHeld()
        .toCompletableFuture()
        .copy()
        .orTimeout(RETRY_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
        .handle(
            (result, failure) -> {
              if (failure != null) {
                throw new ControlException(
                    Kind.TIMEOUT,
                    "cannot say whether all held rows were tried within "
                        + RETRY_TIMEOUT.toSeconds()
                        + " s"
                        + replicator.error().map(error -> ": " + error).orElse("")
                        + "; see `marmot status`, try again",
                    failure);
              }
              return RetryReply.newBuilder()
                  .setSettled(result.settled())
                  .setHeld(result.held())
                  .build();
            });
  }
}
