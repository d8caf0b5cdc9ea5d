package dev.marmot.node.simulation;

import static dev.marmot.node.simulation.SampleTable.PLAIN;
import static dev.marmot.node.simulation.SampleTable.SINGLE;
import static dev.marmot.node.simulation.SampleTable.TWOFOLD;
import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.node.simulation.Statements.OnConflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.SqliteValue;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rules of protocol.md §1, one situation at a time, on the production code. */
final class ScenarioTest {
  private static final SqliteValue ONE = SampleTable.uniqueValue(1);
  private static final SqliteValue TWO = SampleTable.uniqueValue(2);

  private final Scenario cluster = Scenario.started();

  @Test
  void write_atOneNode_isOnAll() {
    cluster.put(1, PLAIN, 0).rest();

    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.file(node).rows).containsOnlyKeys(PLAIN.key(0));
      assertThat(cluster.conflicts(node)).isEmpty();
    }
  }

  @Test
  void writes_concurrent_lastOrderedWinsAndLoserIsKeptEverywhere() {
    cluster.put(1, PLAIN, 0).put(2, PLAIN, 0).send(1).send(2).apply(1).apply(2).apply(3);

    assertThat(cluster.file(1).rows).isEqualTo(cluster.file(2).rows);
    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.conflicts(node)).containsExactly(Reason.OVERWRITTEN);
      assertThat(cluster.file(node).conflicts()).isEqualTo(cluster.file(1).conflicts());
    }
    cluster.rest();
  }

  /** Node 3 has overwritten what it saw of node 1 when node 2's write arrives: it learns it. */
  @Test
  void writes_concurrentWithOneThatIsUnderAPendingRow_areLearntFromTheOthers() {
    cluster.put(1, PLAIN, 0).put(2, PLAIN, 0).send(1).apply(3).put(3, PLAIN, 0).send(2);
    cluster.apply(1).apply(2).apply(3);

    assertThat(cluster.conflicts(2)).containsExactly(Reason.OVERWRITTEN);
    assertThat(cluster.conflicts(3)).isEmpty();
    cluster.rest();
    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.conflicts(node)).containsExactly(Reason.OVERWRITTEN, Reason.OVERWRITTEN);
      assertThat(cluster.file(node).conflicts())
          .containsExactlyInAnyOrderElementsOf(cluster.file(1).conflicts());
    }
  }

  @Test
  void write_overOneThatItHadSeen_noConflict() {
    cluster.put(1, PLAIN, 0).rest().put(2, PLAIN, 0).rest().delete(3, PLAIN, 0).rest();

    assertThat(cluster.file(1).rows).isEmpty();
    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.conflicts(node)).isEmpty();
    }
  }

  @Test
  void uniqueValue_ofPendingRow_parksRemoteRowUntilDecided() {
    cluster.put(1, SINGLE, 0, "1").put(2, SINGLE, 1, "1").send(1).apply(2);

    assertThat(cluster.file(2).parked).containsOnlyKeys(SINGLE.key(0));
    assertThat(cluster.file(2).rows).containsOnlyKeys(SINGLE.key(1));
    cluster.rest();
    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.file(node).rows).containsOnlyKeys(SINGLE.key(1));
      assertThat(cluster.file(node).parked).isEmpty();
      assertThat(cluster.conflicts(node)).containsExactly(Reason.DISPLACED);
    }
  }

  @Test
  void uniqueValues_exchangedInOneTransaction_noConflict() {
    cluster.put(1, TWOFOLD, 0, "1", "").put(1, TWOFOLD, 1, "2", "").rest();

    cluster
        .transact(
            2,
            s -> {
              s.update(OnConflict.ABORT, TWOFOLD.key(0), TWOFOLD.key(0), List.of(none(), none()));
              s.update(OnConflict.ABORT, TWOFOLD.key(1), TWOFOLD.key(1), List.of(ONE, none()));
              s.update(OnConflict.ABORT, TWOFOLD.key(0), TWOFOLD.key(0), List.of(TWO, none()));
            })
        .rest();

    for (int node = 1; node <= 3; node++) {
      assertThat(cluster.file(node).rows).hasSize(2).isEqualTo(cluster.file(2).rows);
      assertThat(cluster.row(node, TWOFOLD, 0)).containsExactly("v2");
      assertThat(cluster.conflicts(node)).isEmpty();
    }
  }

  @Test
  void parkedRow_deletedByOneThatSawIt_noConflict() {
    cluster.put(1, SINGLE, 0, "1").rest();
    cluster.put(3, SINGLE, 1, "1"); // displaces row 0 at node 3, which stays unsent

    cluster.delete(2, SINGLE, 0).put(2, SINGLE, 2, "1").send(2).apply(3);

    assertThat(cluster.conflicts(3)).isEmpty();
    cluster.rest();
  }

  @Test
  void echo_ofOlderWrite_doesNotTouchNewerOne() {
    cluster.put(1, PLAIN, 0).send(1).put(1, PLAIN, 0);
    var newer = cluster.file(1).rows.get(PLAIN.key(0));

    cluster.apply(1);

    assertThat(cluster.file(1).rows).containsEntry(PLAIN.key(0), newer);
    cluster.rest();
    assertThat(cluster.file(3).rows).containsEntry(PLAIN.key(0), newer);
  }

  @Test
  void powerLoss_afterProposal_writeWasSynced() {
    cluster.put(1, PLAIN, 0).send(1).losePower(1).rest();

    assertThat(cluster.file(2).rows).containsOnlyKeys(PLAIN.key(0));
    assertThat(cluster.file(1).rows).isEqualTo(cluster.file(2).rows);
  }

  @Test
  void powerLoss_beforeProposal_writeIsGone() {
    cluster.put(1, PLAIN, 0).losePower(1).rest();

    assertThat(cluster.file(1).rows).isEmpty();
    assertThat(cluster.file(2).rows).isEmpty();
  }

  @Test
  void restart_withUndecidedChangeSet_arrivesOnce() {
    cluster.put(1, PLAIN, 0).capture(1).restart(1).rest();

    assertThat(cluster.file(2).rows).containsOnlyKeys(PLAIN.key(0));
    assertThat(cluster.conflicts(2)).isEmpty();
  }

  /** What the foreign write replaced is in nobody's file any more but that of the donor's past. */
  @Test
  void snapshot_isCompleteWhenTheDonorsOwnWriteIsOrdered_notWithAForeignOneOfTheSameRow() {
    cluster.put(2, PLAIN, 0).rest().put(2, PLAIN, 0);
    assertThat(cluster.donates(2)).isFalse();

    cluster.put(1, PLAIN, 0).send(1).apply(2);
    assertThat(cluster.donates(2)).isFalse();

    cluster.send(2).apply(2);
    assertThat(cluster.donates(2)).isTrue();
    cluster.rest();
  }

  private static SqliteValue none() {
    return SqliteValue.Null.NULL;
  }
}
