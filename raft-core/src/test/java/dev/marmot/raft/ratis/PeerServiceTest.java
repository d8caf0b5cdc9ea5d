package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.grpc.Server;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyServerBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls between nodes that lead to other calls. */
class PeerServiceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final NodeId ONE = new NodeId(1);
  private static final NodeId TWO = new NodeId(2);

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  @AfterEach
  void stop() {
    timer.shutdownNow();
  }

  private static Server serve(NodeId node, Map<String, PeerHandler> methods) throws Exception {
    return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .addService(new PeerService("test", node, methods, Map.of()).definition())
        .build()
        .start();
  }

  private PeerLink link(NodeId node, Server server) {
    return new PeerLink("test", new Member(node, "127.0.0.1", server.getPort()), timer);
  }

  /** The stream to the second node is opened for one caller, and used by others after it. */
  @Test
  void call_throughAStreamThatACallerHadOpened_survivesThatCaller() throws Exception {
    CompletableFuture<ByteString> answer = new CompletableFuture<>();
    CompletableFuture<Void> asked = new CompletableFuture<>();
    Server second =
        serve(
            TWO,
            Map.of(
                "quick", request -> CompletableFuture.completedFuture(request),
                "slow",
                    request -> {
                      asked.complete(null);
                      return answer;
                    }));
    PeerLink onward = link(TWO, second);
    Server first = serve(ONE, Map.of("relay", request -> onward.call("quick", request, PATIENCE)));
    PeerLink caller = link(ONE, first);
    try (onward) {
      caller.call("relay", ByteString.EMPTY, PATIENCE).join();
      CompletableFuture<ByteString> waiting = onward.call("slow", ByteString.EMPTY, PATIENCE);
      asked.join();

      caller.close();
      // Once the first server is down, it has told everything of that caller that it was cancelled.
      first.shutdown();
      assertThat(first.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
      answer.complete(ByteString.copyFromUtf8("still there"));

      assertThat(waiting.join().toStringUtf8()).isEqualTo("still there");
    } finally {
      caller.close();
      first.shutdownNow();
      second.shutdownNow();
    }
  }
}
