package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.proto.v1.ChangeSetId;
import dev.marmot.proto.v1.Epoch;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Node 2 starts: its file 7 stands at position 100 with change log row 50; epoch 4 was the last.
 */
class OlderCopyCheckTest {
  private static final long FOREIGN = 6;
  private static final OlderCopyCheck CHECK = check(100);

  private static OlderCopyCheck check(long ownFloor) {
    ReplicaState state = new ReplicaState(1, 100, 7, 0, Map.of(), Map.of(), -1);
    return new OlderCopyCheck(2, state, 50, ownFloor, 4, epoch -> epoch == FOREIGN);
  }

  private static Record.Builder record(int origin, long epoch, long file, long base, long maxSeq) {
    return Record.newBuilder()
        .setId(ChangeSetId.newBuilder().setOrigin(origin).setEpoch(epoch).setNumber(1))
        .setFile(file)
        .setBase(base)
        .setMaxSeq(maxSeq);
  }

  private static OrderLogEntry entry(Record.Builder record) {
    return OrderLogEntry.newBuilder().addItems(OrderItem.newBuilder().setRecord(record)).build();
  }

  @Test
  void ownChangeSetFromLaterThanTheFile_isProof() {
    assertThat(CHECK.proof(entry(record(2, 4, 7, 101, 40))).orElseThrow())
        .contains("older copy of itself")
        .contains("stands at position 100")
        .contains("at position 101")
        .contains("--adopt");
    assertThat(CHECK.proof(entry(record(2, 4, 7, 100, 51)))).isPresent();
  }

  @Test
  void whatTheFileCanHaveSent_isNone() {
    assertThat(CHECK.proof(entry(record(2, 4, 7, 100, 50)))).isEmpty();
    assertThat(CHECK.proof(entry(record(1, 4, 7, 900, 900)))).as("another node").isEmpty();
    assertThat(CHECK.proof(entry(record(2, 4, 8, 900, 900)))).as("another file").isEmpty();
    assertThat(CHECK.proof(entry(record(2, 5, 7, 900, 900)))).as("this process").isEmpty();
  }

  @Test
  void aFence_isSentWithoutSync_soItsPositionProvesNothing() {
    Fence fence = Fence.newBuilder().setId("f").build();
    assertThat(CHECK.proof(entry(record(2, 4, 7, 900, 50).setFence(fence)))).isEmpty();
    assertThat(CHECK.proof(entry(record(2, 4, 7, 900, 51).setFence(fence)))).isPresent();
  }

  @Test
  void aSnapshot_provesByRowsAndByTheOwnLogs() {
    assertThat(CHECK.proof(new LastApplied(4, 9, 50, 7, -1))).isEmpty();
    assertThat(CHECK.proof(new LastApplied(4, 9, 51, 7, -1))).isPresent();
    assertThat(check(101).proof(new LastApplied(4, 9, 40, 7, -1)))
        .as("the own logs begin where this very file stood once")
        .isPresent();
    assertThat(check(101).proof(new LastApplied(4, 9, 40, 8, -1)))
        .as("a new file beside old logs was brought, not set back")
        .isEmpty();
    assertThat(CHECK.proof(new LastApplied(5, 9, 90, 7, -1))).as("this process").isEmpty();
  }

  @Test
  void aSnapshot_provesByThePositionOfTheNewestCapture() {
    assertThat(CHECK.proof(new LastApplied(4, 9, 40, 7, 100))).isEmpty();
    assertThat(CHECK.proof(new LastApplied(4, 9, 40, 7, 101)).orElseThrow())
        .contains("stood at position 101");
    assertThat(CHECK.proof(new LastApplied(4, 9, 40, 8, 101))).as("another file").isEmpty();
  }

  @Test
  void anOwnEpochThatWasNotOpenedHere_isProofAgainstTheDirectory() {
    Epoch.Builder epoch = Epoch.newBuilder().setOrigin(2).setEpoch(FOREIGN);
    assertThat(CHECK.proof(epoch(epoch)).orElseThrow())
        .contains("raft directory of node 2 is an older copy")
        .contains("--join HOST:PORT --replace --adopt");
    assertThat(CHECK.proof(epoch(epoch.setOrigin(1)))).as("another node's").isEmpty();
    assertThat(CHECK.proof(entry(record(2, FOREIGN, 7, 1, 1)))).as("a record of it").isPresent();
    assertThat(CHECK.proof(new LastApplied(FOREIGN, 1, 1, 7, -1))).as("a snapshot").isPresent();
  }

  @Test
  void theOwnNewEpoch_endsTheWatch() {
    Epoch.Builder epoch = Epoch.newBuilder().setOrigin(2);
    assertThat(CHECK.isOver(epoch(epoch.setEpoch(4)))).isFalse();
    assertThat(CHECK.isOver(epoch(epoch.setEpoch(5)))).isTrue();
    assertThat(CHECK.isOver(epoch(epoch.setOrigin(1)))).isFalse();
  }

  private static OrderLogEntry epoch(Epoch.Builder epoch) {
    return OrderLogEntry.newBuilder().addItems(OrderItem.newBuilder().setEpoch(epoch)).build();
  }
}
