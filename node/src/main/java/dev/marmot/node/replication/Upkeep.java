package dev.marmot.node.replication;

import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.raft.LogId;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaStore;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a node does besides sending and applying: lets its copies of the logs skip what they may,
 * says what may be purged, ends epochs of origins that are gone. Confined to the origin's thread.
 */
public final class Upkeep {
  private static final Logger log = LoggerFactory.getLogger(Upkeep.class);
  private static final long PERIOD_MILLIS = 1_000;

  private final OrderedLogs logs;
  private final ReplicaStore store;
  private final ChunkIndex chunks;
  private final Skips skips;
  private final Purge purge;
  private final Expiry expiry;
  private final BooleanSupplier leadsOrderLog;
  private final ProtocolRules rules;
  private long nextPurge = Long.MIN_VALUE;

  public Upkeep(
      int self,
      OrderedLogs logs,
      ReplicaStore store,
      ChunkIndex chunks,
      Skips skips,
      Options options) {
    this.logs = logs;
    this.store = store;
    this.chunks = chunks;
    this.skips = skips;
    this.purge = new Purge(logs, store, chunks, options.rules());
    this.expiry = new Expiry(self, options.patience());
    this.leadsOrderLog = options.leadsOrderLog();
    this.rules = options.rules();
  }

  /**
   * How this is done.
   *
   * @param patience how long an origin may leave chunks behind without any progress
   * @param leadsOrderLog whether it is up to this node to end epochs
   */
  public record Options(Duration patience, BooleanSupplier leadsOrderLog, ProtocolRules rules) {}

  /**
   * Does what is due.
   *
   * @param now milliseconds of a clock that never goes back
   */
  public void step(long now) {
    skips.step();
    if (now >= nextPurge) {
      nextPurge = now + PERIOD_MILLIS;
      purge.step();
      expire(now);
    }
  }

  private void expire(long now) {
    if (!leadsOrderLog.getAsBoolean() || !rules.keep(Rule.EXPIRY)) {
      return;
    }
    for (Epoch epoch : expiry.due(chunks.openChunks(), store.state(), now)) {
      log.atWarn()
          .addKeyValue("origin", epoch.getOrigin())
          .addKeyValue("epoch", epoch.getEpoch())
          .log("ending an epoch whose chunks make no progress");
      OrderItem item = OrderItem.newBuilder().setEpoch(epoch).build();
      var unused =
          logs.propose(LogId.ORDER, Entries.order(List.of(item)))
              .whenComplete(
                  (position, failure) -> {
                    if (failure != null) { // found again after the same patience
                      log.atDebug().setCause(failure).log("ending an epoch failed");
                    }
                  });
    }
  }
}
