package dev.marmot.node.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.proto.v1.Fence;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerCallException.Arrival;
import dev.marmot.raft.RaftNode;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class RoundTest {
  /** Three members that never get to the fence: there is no quorum that would order it. */
  private static RaftNode silent() {
    List<Member> members =
        List.of(1, 2, 3).stream().map(id -> new Member(new NodeId(id), "h" + id, 1)).toList();
    return (RaftNode)
        Proxy.newProxyInstance(
            RaftNode.class.getClassLoader(),
            new Class<?>[] {RaftNode.class},
            (proxy, method, arguments) ->
                method.getName().equals("members")
                    ? members
                    : CompletableFuture.failedFuture(
                        new PeerCallException(
                            "cannot call it", "no answer within 30000 ms", Arrival.UNKNOWN)));
  }

  @Test
  void withoutQuorum_nothingIsEqual_andItIsUnavailable() {
    List<Fence> fences = new ArrayList<>();
    try (Round round = new Round(silent(), new NodeId(1))) {
      ControlException thrown =
          catchThrowableOfType(
              ControlException.class, () -> round.compare(fences::add, Duration.ofMillis(10)));

      assertThat(thrown.kind()).isEqualTo(Kind.UNAVAILABLE);
      assertThat(thrown)
          .hasMessageStartingWith("cannot compare: no node reached the position of the comparison")
          .hasMessageContaining("n3: no answer within 30000 ms")
          .hasMessageContaining("a majority is up, then try again");
      assertThat(fences).hasSize(1);
    }
  }
}
