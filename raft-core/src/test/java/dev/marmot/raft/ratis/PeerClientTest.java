package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.marmot.raft.PeerCallException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** What operators read when they give an address that is not a raft port. */
class PeerClientTest {
  private static PeerCallException failure(String host, int port) {
    try (PeerClient client = new PeerClient(host, port)) {
      CompletionException thrown =
          catchThrowableOfType(
              CompletionException.class,
              () ->
                  client
                      .call("describe", ByteString.EMPTY, Duration.ofSeconds(5))
                      .toCompletableFuture()
                      .join());
      if (thrown.getCause() instanceof PeerCallException call) {
        return call;
      }
      throw new AssertionError("not a failed call", thrown);
    }
  }

  @Test
  void call_toAHostNameThatDoesNotResolve_saysSo() {
    PeerCallException thrown = failure("no-such-host.invalid", 8610);

    assertThat(thrown.reason())
        .isEqualTo(
            "the host name no-such-host.invalid does not resolve on this machine; correct it, or"
                + " mend DNS or /etc/hosts");
    assertThat(thrown.mayHaveArrived()).isFalse();
  }

  @Test
  void call_whereNobodyListens_saysSo() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }

    assertThat(failure("127.0.0.1", port).reason())
        .isEqualTo("nobody listens on port %d there (connection refused)".formatted(port));
  }

  @Test
  void call_toSomethingElse_saysSo() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CompletableFuture<Void> served =
          CompletableFuture.runAsync(
              () -> {
                try (Socket caller = socket.accept()) {
                  caller
                      .getOutputStream()
                      .write("SSH-2.0-Other_1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                  caller.getInputStream().readAllBytes();
                } catch (IOException e) {
                  throw new CompletionException(e);
                }
              });

      assertThat(failure("127.0.0.1", socket.getLocalPort()).reason())
          .contains("the raft port of a node");
      served.join();
    }
  }
}
