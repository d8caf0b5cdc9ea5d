package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that stands before everything meets floors. */
class SkipsTest {
  private static final LogId SHARD = LogId.shard(1);
  private static final Floor REACHED = new Floor(3, -1);
  private static final Floor AHEAD = new Floor(9, 40);

  @TempDir private Path directory;
  private Side side;
  private Skips skips;

  @BeforeEach
  void open() throws Exception {
    side = Side.open(directory, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    skips = new Skips(side.store, ProtocolRules.ALL);
  }

  @AfterEach
  void close() throws Exception {
    side.close();
  }

  private CompletableFuture<Floor> behind(LogId log, Floor floor) {
    return skips.behind(log, floor).toCompletableFuture();
  }

  @Test
  void stateIsThere_skips() {
    CompletableFuture<Floor> allowed = behind(SHARD, REACHED);
    skips.step();
    assertThat(allowed).isCompletedWithValue(REACHED);
    assertThat(skips.needed()).isEqualTo(-1);
  }

  @Test
  void stateIsNotThere_waitsForASnapshot() {
    CompletableFuture<Floor> allowed = behind(SHARD, AHEAD);
    skips.step();
    assertThat(allowed).isNotDone();
    assertThat(skips.needed()).isEqualTo(40);
  }

  @Test
  void donorOfTheSnapshotWaits_skipsBeforeTheState_andSaysSo() {
    CompletableFuture<Floor> allowed = behind(SHARD, AHEAD);
    skips.donorWaits(40);
    skips.step();
    assertThat(allowed).isCompletedWithValue(new Floor(9, 40, true));
  }

  @Test
  void donorStandsBeforeTheFloor_orWaitsNoMore_noSkip() {
    CompletableFuture<Floor> allowed = behind(SHARD, AHEAD);
    skips.donorWaits(39);
    skips.step();
    skips.donorWaits(40);
    skips.donorWaits(-1);
    skips.step();
    assertThat(allowed).isNotDone();
  }

  @Test
  void floorMovesOn_theFormerQuestionIsAnsweredWithIt() {
    CompletableFuture<Floor> lower = behind(SHARD, new Floor(5, 20));
    CompletableFuture<Floor> higher = behind(SHARD, AHEAD);
    skips.donorWaits(40);
    skips.step();
    assertThat(lower).isCompletedWithValue(new Floor(5, 20, true));
    assertThat(higher).isCompletedWithValue(AHEAD.beforeState());
  }

  @Test
  void copyBeforeItsState_mayLead_provesNothing() {
    LocalLogs logs =
        new LocalLogs(
            new Replicator(
                1, side.store, new Epochs(), OriginOptions.DEFAULT, ApplierOptions.DEFAULT));
    logs.floors.put(LogId.ORDER, new Floor(8, 7));
    logs.floors.put(SHARD, AHEAD.beforeState());
    assertThat(Floors.needed(logs)).isEqualTo(40);
    assertThat(Floors.proven(logs)).isEqualTo(7);
    assertThat(Floors.behind(logs, 7)).isEmpty();
    assertThat(Floors.behind(logs, 6)).isEqualTo(Set.of(LogId.ORDER));
  }
}
