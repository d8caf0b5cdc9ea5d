package dev.marmot.node.simulation;

import static dev.marmot.node.simulation.SampleTable.PLAIN;
import static dev.marmot.node.simulation.SampleTable.SINGLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.node.simulation.Statements.OnConflict;
import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CaptureLimits;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class MemoryReplicaStoreTest {
  private static final CaptureLimits ALL = new CaptureLimits(100, 1 << 20);
  private static final List<SqliteValue> NONE = List.of();
  private static final List<SqliteValue> ONE = List.of(SampleTable.uniqueValue(1));

  private final MemoryDisk disk = new MemoryDisk(7);
  private final WriteLedger ledger = new WriteLedger();
  private final MemoryReplicaStore store =
      new MemoryReplicaStore(
          disk,
          new MemoryReplicaStore.Observer() {
            @Override
            public void captured(CapturedChanges changes, MemoryFile file) {}

            @Override
            public void applied(MemoryFile before, MemoryFile after) {}
          },
          new Hazard(),
          Set.of());

  @Test
  void capture_changedKeys_newestImagesInOrderOfChange() {
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(1), NONE));
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(2), NONE));
    write(s -> s.delete(PLAIN.key(1)));

    CapturedChanges captured = store.capture(0, ALL).orElseThrow();

    assertThat(captured.rows()).extracting(RowImage::tombstone).containsExactly(false, true);
    assertThat(captured.maxSeq()).isEqualTo(3);
    assertThat(captured.complete()).isTrue();
    assertThat(captured.file()).isEqualTo(7);
    assertThat(store.capture(3, ALL)).isEmpty();
  }

  @Test
  void capture_moreThanTheLimit_isCutAndGoesOn() {
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(1), NONE));
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(2), NONE));

    CapturedChanges first = store.capture(0, new CaptureLimits(1, 1 << 20)).orElseThrow();
    CapturedChanges second = store.capture(first.maxSeq(), ALL).orElseThrow();

    assertThat(first.complete()).isFalse();
    assertThat(second.rows()).extracting(SampleTable::key).containsExactly(PLAIN.key(2));
  }

  @Test
  void close_withoutCommit_undoesEverything() {
    try (ApplyTransaction tx = store.begin()) {
      tx.write(PLAIN.row(0, NONE, 1));
      tx.last(1, new LastApplied(1, 1, 1, 1, -1));
      tx.position(1, 5);
    }

    assertThat(disk.current().rows).isEmpty();
    assertThat(store.state().position()).isEqualTo(-1);
    assertThat(store.state().last()).isEmpty();
  }

  @Test
  void commit_rowsAndBookkeeping_becomeVisibleTogether() {
    try (ApplyTransaction tx = store.begin()) {
      tx.write(PLAIN.row(0, NONE, 1));
      tx.minEpoch(2, 4);
      tx.position(1, 5);
      assertThat(disk.current().rows).isEmpty();
      tx.commit();
    }

    assertThat(disk.current().rows).containsOnlyKeys(PLAIN.key(0));
    assertThat(store.state().position()).isEqualTo(5);
    assertThat(store.state().minEpochOf(2)).isEqualTo(4);
  }

  @Test
  void trim_newestChangeLogRow_isKeptButNotPending() {
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(0), NONE));
    try (ApplyTransaction tx = store.begin()) {
      assertThat(tx.pendingSeq(PLAIN.key(0))).hasValue(1);
      tx.settle(PLAIN.key(0));
      tx.trimChangeLog(1);
      tx.commit();
    }

    assertThat(store.pendingChanges()).isZero();
    assertThat(store.newestSeq()).isEqualTo(1);
    write(s -> s.insert(OnConflict.REPLACE, PLAIN.key(0), NONE));
    assertThat(store.newestSeq()).isEqualTo(2);
  }

  @Test
  void write_ofPendingKey_isViolation() {
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(0), NONE));
    try (ApplyTransaction tx = store.begin()) {
      assertThatThrownBy(() -> tx.write(PLAIN.row(0, NONE, 9))).isInstanceOf(Violation.class);
    }
  }

  @Test
  void write_thatCollides_isViolationUnlessRoomIsMade() {
    write(s -> s.insert(OnConflict.ABORT, SINGLE.key(0), ONE));
    try (ApplyTransaction tx = store.begin()) {
      tx.settle(SINGLE.key(0));
      tx.trimChangeLog(1);
      RowImage image = SINGLE.row(1, ONE, 9);
      assertThat(tx.colliders(image)).extracting(SampleTable::key).containsExactly(SINGLE.key(0));
      assertThatThrownBy(() -> tx.write(image)).isInstanceOf(Violation.class);
      RowImage moved = SINGLE.row(0, List.of(SampleTable.uniqueValue(2)), 1);
      tx.vacate(moved);
      assertThat(tx.colliders(image)).isEmpty();
      tx.write(image);
      assertThatThrownBy(tx::commit).isInstanceOf(Violation.class).hasMessageContaining("vacated");
    }
  }

  @Test
  void replace_displacedRow_isLoggedAndNoOpIsNot() {
    write(s -> s.insert(OnConflict.ABORT, SINGLE.key(0), ONE));
    write(s -> s.insert(OnConflict.IGNORE, SINGLE.key(1), ONE));
    assertThat(store.newestSeq()).isEqualTo(1);
    assertThat(disk.current().notes).containsExactly(SINGLE.key(0));

    write(s -> s.insert(OnConflict.REPLACE, SINGLE.key(1), ONE));

    CapturedChanges captured = store.capture(1, ALL).orElseThrow();
    assertThat(captured.rows())
        .extracting(SampleTable::key)
        .containsExactly(SINGLE.key(1), SINGLE.key(0));
    assertThat(disk.current().notes).isEmpty();
  }

  @Test
  void delete_ofNotedRow_isLoggedOnce() {
    write(s -> s.insert(OnConflict.ABORT, SINGLE.key(0), ONE));
    write(s -> s.insert(OnConflict.IGNORE, SINGLE.key(1), ONE));
    write(s -> s.delete(SINGLE.key(0)));
    write(s -> s.insert(OnConflict.ABORT, SINGLE.key(1), List.of(SampleTable.uniqueValue(2))));

    assertThat(store.newestSeq()).isEqualTo(3);
  }

  @Test
  void powerLoss_unsyncedCommits_onlyTheNewestAreGone() {
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(0), NONE));
    store.sync();
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(1), NONE));
    write(s -> s.insert(OnConflict.ABORT, PLAIN.key(2), NONE));

    List<LocalWrite> gone = disk.losePower(new SplittableRandom(3), Set.of());

    assertThat(disk.current().rows).containsKey(PLAIN.key(0));
    assertThat(disk.current().rows).hasSize(3 - gone.size());
    assertThat(gone).extracting(write -> write.key).doesNotContain(PLAIN.key(0));
  }

  private void write(Consumer<Statements> work) {
    MemoryFile next = disk.current().copy();
    Statements statements =
        new Statements(
            next,
            Set.of(),
            new Statements.Recorder() {
              @Override
              public LocalWrite wrote(dev.marmot.sqlite.RowKey key, boolean delete) {
                return ledger.add(1, 7, key, delete);
              }

              @Override
              public void replaced(RowImage row, LocalWrite by) {}
            });
    work.accept(statements);
    disk.commit(next, statements.writes());
  }
}
