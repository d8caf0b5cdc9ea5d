package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EpochHistoryTest {
  @Test
  void epochs_countUp_whateverIsDrawn() {
    long first = EpochNumber.after(0, -1);
    long second = EpochNumber.after(first, 1);
    assertThat(second).isGreaterThan(EpochNumber.ending(first)).isGreaterThan(first);
    assertThat(EpochNumber.count(second)).isEqualTo(2);
    assertThat(EpochNumber.text(second)).isEqualTo("2.00000001");
  }

  @Test
  void whatThisDirectoryDidNotOpen_isForeign() {
    long opened = EpochNumber.after(0, 5);
    EpochHistory history = EpochHistory.NONE.with(opened);
    assertThat(history.isForeign(opened)).isFalse();
    assertThat(history.isForeign(EpochNumber.after(0, 6))).as("the same count").isTrue();
    assertThat(history.isForeign(EpochNumber.after(opened, 5))).as("a later one").isTrue();
    assertThat(history.isForeign(EpochNumber.ending(opened))).as("opened by nobody").isFalse();
  }

  /** It cannot be told to start once more: a restart does not make what it did not open its own. */
  @Test
  void foreign_staysForeign() {
    long foreign = EpochNumber.after(0, 6);
    EpochHistory history = EpochHistory.NONE.with(EpochNumber.after(0, 5));
    for (int start = 0; start < 10; start++) {
      history = history.with(EpochNumber.after(history.newest(), 9));
      assertThat(history.isForeign(foreign)).isTrue();
    }
  }

  @Test
  void oldEpochs_areForgotten_andNotTakenForForeign() {
    EpochHistory history = EpochHistory.NONE;
    long first = EpochNumber.after(0, 3);
    for (long epoch = first; EpochNumber.count(epoch) <= 300; epoch = EpochNumber.after(epoch, 3)) {
      history = history.with(epoch);
    }
    assertThat(history.opened()).hasSize(256);
    assertThat(history.isForeign(first)).isFalse();
    assertThat(history.isForeign(EpochNumber.after(history.newest(), 3))).isTrue();
  }

  @Test
  void whoeverReplacesAFormerSelf_knowsNothingOfIt_untilItsOwnEpochIsLive() {
    long former = EpochNumber.after(0, 3);
    EpochHistory history = EpochHistory.after(former);
    long later = EpochNumber.after(former, 4); // the member that was asked did not know it yet
    assertThat(history.newest()).isEqualTo(former);
    assertThat(history.isForeign(later)).isFalse();
    long own = EpochNumber.after(later, 5);
    EpochHistory settled = history.with(own).settled(own);
    assertThat(settled.isForeign(later)).isFalse();
    assertThat(settled.isForeign(EpochNumber.after(own, 6))).isTrue();
  }
}
