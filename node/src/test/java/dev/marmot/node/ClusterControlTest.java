package dev.marmot.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.raft.ChangeException;
import dev.marmot.raft.ChangeException.Outcome;
import dev.marmot.raft.LogId;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ProposalException;
import dev.marmot.sqlite.ReplicaState;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

class ClusterControlTest {
  private final Map<Integer, Long> epochs = new ConcurrentHashMap<>(Map.of(1, 4L, 2, 2L, 3, 9L));
  private final FakeRaftNode raft = new FakeRaftNode(3, 2);
  private final ClusterControl control =
      new ClusterControl(
          new NodeId(1),
          () -> new ReplicaState(1, 50, 7, 1, Map.of(), epochs, 0),
          () -> false,
          CompletableFuture::completedFuture,
          raft);

  private static <T> T done(CompletionStage<T> stage) {
    return stage.toCompletableFuture().join();
  }

  private static Kind kind(CompletionStage<?> stage) {
    CompletionException thrown =
        catchThrowableOfType(CompletionException.class, () -> stage.toCompletableFuture().join());
    if (thrown.getCause() instanceof ControlException fault) {
      return fault.kind();
    }
    throw new AssertionError("not a failure that the control pane can tell", thrown);
  }

  @Test
  void shards_showTheOrderLogApartAndItsLag() {
    var shards = control.shards();

    assertThat(shards.getOrder().getLag()).isEqualTo(FakeRaftNode.COMMITTED - 50);
    assertThat(shards.getShardsList()).hasSize(2).allMatch(shard -> shard.getLag() == 0);
    assertThat(shards.getShards(0).getVotersList()).containsExactly(1, 2, 3);
  }

  @Test
  void remove_sendsWhatTheNodeHasThenTakesItOutThenEndsItsEpochs() {
    assertThat(done(control.remove(3, true)).getFlushed()).isTrue();

    assertThat(raft.done).containsExactly("flush n3", "remove n3 by force", "end 3");
  }

  @Test
  void remove_thatIsRefused_endsNothing() {
    raft.refusal = new IllegalStateException("cannot remove n3: too few are up");

    assertThat(kind(control.remove(3, false))).isEqualTo(Kind.FAILED);

    assertThat(raft.done).containsExactly("flush n3");
  }

  @Test
  void changes_thatWaitForOthers_areNoFailures() {
    raft.refusal = new ChangeException(Outcome.NOT_NOW, "it has no leader now");
    assertThat(kind(control.move(List.of(1), 2))).isEqualTo(Kind.UNAVAILABLE);
    assertThat(kind(control.setShards(4))).isEqualTo(Kind.UNAVAILABLE);
    assertThat(kind(control.remove(3, false))).isEqualTo(Kind.UNAVAILABLE);
    assertThat(kind(control.drain(2))).isEqualTo(Kind.UNAVAILABLE);

    raft.refusal = new ChangeException(Outcome.UNKNOWN, "n2 did not answer");
    assertThat(kind(control.setShards(4))).isEqualTo(Kind.UNKNOWN_OUTCOME);
    assertThat(kind(control.remove(3, false))).isEqualTo(Kind.UNKNOWN_OUTCOME);

    raft.refusal = new ProposalException(ProposalException.Outcome.UNKNOWN, "perhaps");
    assertThat(kind(control.rebalance())).isEqualTo(Kind.UNKNOWN_OUTCOME);
  }

  @Test
  void remove_ofANodeThatDoesNotAnswer_saysSo() {
    raft.silent = true;

    assertThat(done(control.remove(3, false)).getFlushed()).isFalse();

    assertThat(raft.done).containsExactly("remove n3", "end 3");
  }

  @Test
  void remove_thatBrokeOff_isFinished() {
    raft.nodes = List.of(1, 2);

    assertThat(done(control.remove(3, false)).getNode()).isEqualTo(3);
    assertThat(raft.done).containsExactly("end 3");

    epochs.put(3, ReplicaState.REMOVED);
    assertThatThrownBy(() -> control.remove(3, false))
        .hasMessage("cannot remove node 3: it is not a member; members are n1, n2");
    assertThatThrownBy(() -> control.remove(1, false)).hasMessageContaining("ask another member");
    assertThat(raft.done).hasSize(1);
  }

  @Test
  void move_triesAgainWhileAnElectionIsUnderWay() {
    raft.failingMoves = 1;

    assertThat(done(control.move(List.of(0, 2), 2)).getTo()).isEqualTo(2);

    assertThat(raft.done)
        .containsExactly("move " + LogId.ORDER + " to n2", "move " + LogId.shard(2) + " to n2");
  }

  @Test
  void wrongRequests_areRefusedBeforeAnythingIsDone() {
    assertThatThrownBy(() -> control.move(List.of(1, 3), 2)).hasMessageContaining("no shard 3");
    assertThatThrownBy(() -> control.move(List.of(1), 9)).hasMessageContaining("not a member");
    assertThatThrownBy(() -> control.move(List.of(), 2)).hasMessageContaining("at least one");
    assertThatThrownBy(() -> control.setShards(0)).hasMessageContaining("between 1 and 1024");
    assertThatThrownBy(() -> control.setShards(-1)).hasMessageContaining("4294967295");
    raft.nodes = List.of(1);
    assertThatThrownBy(() -> control.drain(0)).hasMessageContaining("the only member");

    assertThat(raft.done).isEmpty();
  }
}
