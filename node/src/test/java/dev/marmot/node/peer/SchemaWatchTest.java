package dev.marmot.node.peer;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.store.Declarations;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SchemaWatchTest {
  private static final NodeId ONE = new NodeId(1);
  private static final NodeId TWO = new NodeId(2);

  private static final Duration OFTEN = Duration.ofMillis(50);

  private static Declarations zip(String declaration) {
    return new Declarations(Map.of("member", Map.of("zip", declaration)));
  }

  /** A network of two: what is called is the other's handler. */
  private RaftNode network(SchemaWatch other) {
    return (RaftNode)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {RaftNode.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "members" -> List.of(new Member(ONE, "h", 1), new Member(TWO, "h", 2));
                  case "call" ->
                      Objects.requireNonNull(other.handlers().get((String) arguments[1]))
                          .handle((ByteString) arguments[2]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  @Test
  @Timeout(value = 30, unit = TimeUnit.SECONDS)
  void differentDeclarations_areTold_andNoLongerOnceTheyAreEqual() throws InterruptedException {
    List<Declarations> there = new java.util.concurrent.CopyOnWriteArrayList<>();
    there.add(zip("INTEGER"));
    try (SchemaWatch one = new SchemaWatch(ONE, () -> zip("TEXT"), OFTEN);
        SchemaWatch two = new SchemaWatch(TWO, () -> there.get(0), OFTEN)) {
      assertThat(two.start(network(one))).isSameAs(two);
      assertThat(one.start(network(two))).isSameAs(one);
      await(() -> one.warnings().size() == 1);
      assertThat(one.warnings().get(0))
          .startsWith("table member: column zip is TEXT here and INTEGER on node 2: ");
      there.set(0, zip("TEXT"));
      await(() -> one.warnings().isEmpty() && two.warnings().isEmpty());
    }
  }

  private static void await(java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    while (!condition.getAsBoolean()) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
