package dev.marmot.node.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig.PaneConfig;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneProbe.Found;
import dev.marmot.proto.v1.HeldRow;
import dev.marmot.proto.v1.RetryReply;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real sockets on loopback: HTTP/1.1 through the JDK's client, gRPC through ours. */
class PaneServerTest {
  private static final AuthKey KEY = AuthKey.of("s3cret");

  private final FakeControlPlane plane = new FakeControlPlane();
  private final HttpClient http = HttpClient.newBuilder().version(Version.HTTP_1_1).build();
  private final Address address = freeAddress();
  private PaneServer pane = open(AuthKey.NONE);

  private static Address freeAddress() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new Address("localhost", socket.getLocalPort());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private PaneServer open(AuthKey key) {
    try {
      return PaneServer.open("n1", new PaneConfig(address, key), plane);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void reopen(AuthKey key) {
    pane.close();
    pane = open(key);
  }

  @AfterEach
  void close() {
    pane.close();
  }

  private HttpResponse<String> send(String method, String path, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(Duration.ofSeconds(10))
            .method(method, BodyPublishers.noBody());
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return http.send(request.build(), BodyHandlers.ofString());
  }

  private PaneClient client(AuthKey key) {
    return PaneClient.open(address, key);
  }

  @Test
  void status_overHttp_isJsonWithNumbersAndEveryField() throws Exception {
    HttpResponse<String> response = send("GET", "/api/v1/status");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(response.body())
        .contains("\"positionIndex\" : 9007199254740991")
        .contains("\"name\" : \"order log\"")
        .contains("\"lag\" : 0")
        .contains("\"lastError\" : \"\"");
  }

  @Test
  void status_overGrpc_isTheSame() {
    try (PaneClient client = client(AuthKey.NONE)) {
      assertThat(client.status()).isEqualTo(plane.status);
      assertThat(client.status()).isEqualTo(plane.status);
    }
  }

  @Test
  void health_tellsAliveFromReady() throws Exception {
    plane.readiness = Readiness.notYet("waiting for a quorum of shard 3");

    assertThat(send("GET", "/healthz").statusCode()).isEqualTo(200);
    HttpResponse<String> ready = send("GET", "/readyz");
    assertThat(ready.statusCode()).isEqualTo(503);
    assertThat(ready.body()).contains("waiting for a quorum of shard 3");

    plane.alive = false;
    plane.readiness = Readiness.ok();
    assertThat(send("GET", "/healthz").statusCode()).isEqualTo(503);
    assertThat(send("GET", "/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void barrier_takesTheTimeoutOfTheCaller() throws Exception {
    assertThat(send("POST", "/api/v1/barrier?timeout=1500ms").body()).contains("\"position\" : 12");
    assertThat(plane.askedTimeout).isEqualTo(Duration.ofMillis(1500));

    assertThat(send("POST", "/api/v1/barrier").statusCode()).isEqualTo(200);
    assertThat(plane.askedTimeout).isEqualTo(Duration.ofSeconds(30));

    try (PaneClient client = client(AuthKey.NONE)) {
      assertThat(client.barrier(Duration.ofSeconds(2)).getPosition()).isEqualTo(12);
      assertThat(plane.askedTimeout).isEqualTo(Duration.ofSeconds(2));
    }
  }

  @Test
  void barrier_thatFails_saysWhyInBothLanguages() throws Exception {
    plane.barrier = CompletableFuture.failedFuture(new TimeoutException("n3 is not reachable"));

    HttpResponse<String> response = send("POST", "/api/v1/barrier?timeout=1s");
    assertThat(response.statusCode()).isEqualTo(504);
    assertThat(response.body()).contains("n3 is not reachable");
    try (PaneClient client = client(AuthKey.NONE)) {
      ControlException thrown =
          catchThrowableOfType(ControlException.class, () -> client.barrier(Duration.ofSeconds(1)));
      assertThat(thrown).hasMessage("n3 is not reachable");
      assertThat(thrown.kind()).isEqualTo(Kind.TIMEOUT);
    }
  }

  @Test
  void conflictsAndHeldRows_inBothLanguages() throws Exception {
    plane.conflict(1, "old");
    plane.conflict(2, "newer");
    plane.held.add(HeldRow.newBuilder().setId(5).setTable("late").setReason("why").build());
    plane.retried = RetryReply.newBuilder().setSettled(3).setHeld(1).build();

    String page = send("GET", "/api/v1/conflicts?after=1&limit=5").body();
    assertThat(page).contains("\"value\" : \"newer\"").doesNotContain("\"old\"");
    assertThat(page).contains("\"newestId\" : 2").contains("\"total\" : 2");
    assertThat(plane.askedLimit).isEqualTo(5);
    assertThat(send("GET", "/api/v1/conflicts").statusCode()).isEqualTo(200);
    assertThat(plane.askedLimit).isEqualTo(100);
    assertThat(send("GET", "/api/v1/conflicts?limit=1001").statusCode()).isEqualTo(400);
    assertThat(send("GET", "/api/v1/conflicts?after=-1").statusCode()).isEqualTo(400);
    assertThat(send("GET", "/api/v1/conflicts?after=last").body()).contains("whole number");
    assertThat(send("GET", "/api/v1/held").body()).contains("\"reason\" : \"why\"");
    assertThat(send("POST", "/api/v1/retry").body()).contains("\"settled\" : 3");
    assertThat(send("GET", "/api/v1/retry").statusCode()).isEqualTo(405);
    try (PaneClient client = client(AuthKey.NONE)) {
      assertThat(client.conflicts(0, 1).getConflictsList())
          .isEqualTo(plane.conflicts.subList(0, 1));
      assertThat(client.held(0, 10).getRowsList()).isEqualTo(plane.held);
      assertThat(client.retry()).isEqualTo(plane.retried);
    }
  }

  @Test
  void cluster_inBothLanguages() throws Exception {
    assertThat(send("GET", "/api/v1/shards").body())
        .contains("\"active\" : 1")
        .contains("\"shard\" : 2")
        .contains("\"voters\" : [ 1, 2 ]");
    assertThat(send("POST", "/api/v1/shards/set?shards=32").body()).contains("\"before\" : 16");
    assertThat(send("POST", "/api/v1/move?shards=order,3-4&to=2").statusCode()).isEqualTo(200);
    assertThat(send("POST", "/api/v1/drain").body()).contains("\"node\" : 1");
    assertThat(send("POST", "/api/v1/rebalance").statusCode()).isEqualTo(200);
    assertThat(send("POST", "/api/v1/remove?node=3&force=true").statusCode()).isEqualTo(200);
    try (PaneClient client = client(AuthKey.NONE)) {
      assertThat(client.shards()).isEqualTo(plane.cluster.shards());
      assertThat(client.setShards(20).getShards()).isEqualTo(20);
      assertThat(client.move(List.of(4), 1).getShardsList()).containsExactly(4);
      assertThat(client.drain(2).getNode()).isEqualTo(2);
      assertThat(client.rebalance().isInitialized()).isTrue();
      assertThat(client.remove(3, false).getFlushed()).isTrue();
    }
    assertThat(plane.cluster.asked)
        .containsExactly(
            "set 32",
            "move [0, 3, 4] to 2",
            "drain 0",
            "rebalance",
            "remove 3 by force",
            "set 20",
            "move [4] to 1",
            "drain 2",
            "rebalance",
            "remove 3");
  }

  @Test
  void cluster_wrongRequests_areRefusedAndChangeNothing() throws Exception {
    assertThat(send("GET", "/api/v1/rebalance").statusCode()).isEqualTo(405);
    assertThat(send("POST", "/api/v1/move?shards=1,x&to=2").body()).contains("shards: must be");
    assertThat(send("POST", "/api/v1/remove?node=-3").statusCode()).isEqualTo(400);
    assertThat(send("POST", "/api/v1/remove?node=3&force=1").body()).contains("true or false");

    assertThat(plane.cluster.asked).isEmpty();
  }

  @Test
  void largePage_passesTheClientsLimit() {
    plane.conflict(1, "x".repeat(5 << 20));

    try (PaneClient client = client(AuthKey.NONE)) {
      assertThat(client.conflicts(0, 1).getConflicts(0).getLosing(0).getValue()).hasSize(5 << 20);
    }
  }

  @Test
  void warnings_areToldByAReadyNode() throws Exception {
    plane.readiness = new Readiness(true, List.of(), List.of("2 rows are held"));

    HttpResponse<String> ready = send("GET", "/readyz");

    assertThat(ready.statusCode()).isEqualTo(200);
    assertThat(ready.body()).contains("\"ready\" : true").contains("2 rows are held");
  }

  @Test
  void wrongRequests_getJsonErrors() throws Exception {
    HttpResponse<String> unknown = send("GET", "/api/v1/nothing");
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(unknown.body()).contains("no such path");

    HttpResponse<String> method = send("GET", "/api/v1/barrier");
    assertThat(method.statusCode()).isEqualTo(405);
    assertThat(method.headers().firstValue("Allow")).hasValue("POST");
    assertThat(method.body()).contains("takes POST, not GET");

    HttpResponse<String> timeout = send("POST", "/api/v1/barrier?timeout=soon");
    assertThat(timeout.statusCode()).isEqualTo(400);
    assertThat(timeout.body()).contains("must be a duration");
    assertThat(send("POST", "/api/v1/barrier?timeout=2h").statusCode()).isEqualTo(400);
  }

  @Test
  void withKey_allButHealthNeedIt() throws Exception {
    reopen(KEY);

    assertThat(send("GET", "/healthz").statusCode()).isEqualTo(200);
    assertThat(send("GET", "/readyz").statusCode()).isEqualTo(200);
    HttpResponse<String> refused = send("GET", "/api/v1/status");
    assertThat(refused.statusCode()).isEqualTo(401);
    assertThat(refused.headers().firstValue("WWW-Authenticate"))
        .hasValueSatisfying(challenge -> assertThat(challenge).startsWith("Bearer realm="));
    assertThat(send("GET", "/api/v1/status", "Authorization", "Bearer s3cret").statusCode())
        .isEqualTo(200);
    assertThat(send("GET", "/api/v1/status", "Authorization", "s3cre").statusCode()).isEqualTo(401);
    assertThat(send("GET", "/api/v1/status", "Authorization", "s3cret").statusCode())
        .isEqualTo(200);
    assertThat(send("GET", "/nothing").statusCode()).isEqualTo(401);
  }

  /** The node that was asked ends, after it heard what to do and before it said that it is done. */
  @Test
  void noAnswer_meansUnknownOutcome_onlyWhereSomethingChanges() {
    CompletableFuture<Void> asked = new CompletableFuture<>();
    plane.cluster.silent = true;
    plane.cluster.heard = () -> asked.complete(null);
    try (PaneClient client = client(AuthKey.NONE)) {
      CompletableFuture<Void> closed = asked.thenRunAsync(pane::close);
      ControlException change =
          catchThrowableOfType(ControlException.class, () -> client.move(List.of(1), 2));
      closed.join();

      assertThat(change.kind()).isEqualTo(Kind.UNKNOWN_OUTCOME);
      assertThat(change)
          .hasMessageStartingWith("cannot tell whether it was done: the node at " + address)
          .hasMessageContaining("repeat the command");
      assertThat(catchThrowableOfType(ControlException.class, client::rebalance))
          .hasMessageContaining("nobody takes connections there")
          .extracting(ControlException::kind)
          .isEqualTo(Kind.UNAVAILABLE);
    }
  }

  @Test
  void ipv6_isAnswered() throws IOException {
    Address loopback = new Address("::1", address.port());
    assumeTrue(hasIpv6(), "this machine has no IPv6");

    try (PaneServer server = PaneServer.open("n1", new PaneConfig(loopback, AuthKey.NONE), plane);
        PaneClient client = PaneClient.open(loopback, AuthKey.NONE)) {
      assertThat(server.port()).isEqualTo(loopback.port());
      assertThat(client.status()).isEqualTo(plane.status);
    }
  }

  private static boolean hasIpv6() {
    byte[] loopback = new byte[16];
    loopback[15] = 1;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(loopback))) {
      return socket.isBound();
    } catch (IOException e) {
      return false; // that is what was asked
    }
  }

  @Test
  void unansweredFailures_areJudgedByWhatIsThere() {
    StatusRuntimeException broken = Status.CANCELLED.asRuntimeException();
    PaneFaults change = new PaneFaults(address, true, Duration.ofSeconds(10));
    PaneFaults question = new PaneFaults(address, false, Duration.ofSeconds(10));

    assertThat(change.of(broken, () -> Found.PANE).kind()).isEqualTo(Kind.UNKNOWN_OUTCOME);
    assertThat(change.of(broken, () -> Found.SILENT).kind()).isEqualTo(Kind.UNKNOWN_OUTCOME);
    assertThat(change.of(broken, () -> Found.NOBODY).kind()).isEqualTo(Kind.UNKNOWN_OUTCOME);
    assertThat(change.of(broken, () -> Found.OTHER).kind()).isEqualTo(Kind.INVALID);
    assertThat(question.of(broken, () -> Found.PANE).kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(question.of(broken, () -> Found.SILENT))
        .hasMessageContaining("takes connections, but does not answer");
    assertThat(change.of(Status.UNIMPLEMENTED.asRuntimeException(), () -> Found.PANE))
        .hasMessageContaining("another version")
        .extracting(ControlException::kind)
        .isEqualTo(Kind.FAILED);
  }

  @Test
  void withKey_grpcNeedsItToo() {
    reopen(KEY);

    try (PaneClient with = client(KEY);
        PaneClient wrong = client(AuthKey.of("other"));
        PaneClient without = client(AuthKey.NONE)) {
      assertThat(with.status()).isEqualTo(plane.status);
      assertThat(catchThrowableOfType(ControlException.class, wrong::status).kind())
          .isEqualTo(Kind.UNAUTHENTICATED);
      assertThatThrownBy(without::status).hasMessageContaining("set AUTH_KEY");
    }
  }

  @Test
  void withoutKey_aPageElsewhereIsRefused() throws Exception {
    HttpResponse<String> response =
        send("POST", "/api/v1/barrier", "Origin", "https://evil.example");

    assertThat(response.statusCode()).isEqualTo(403);
    assertThat(send("GET", "/api/v1/status", "Origin", "http://localhost:8080").statusCode())
        .isEqualTo(200);
  }

  @Test
  void open_onAUsedPort_saysWhich() {
    assertThatThrownBy(() -> PaneServer.open("n2", new PaneConfig(address, KEY), plane))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot bind the control pane to " + address)
        .hasMessageContaining("give bind-pane another port");
  }

  @Test
  void client_withoutNode_isUnavailable() {
    pane.close();

    try (PaneClient client = client(AuthKey.NONE)) {
      ControlException thrown = catchThrowableOfType(ControlException.class, client::status);
      assertThat(thrown.kind()).isEqualTo(Kind.UNAVAILABLE);
      assertThat(thrown).hasMessageContaining("cannot reach a node at " + address);
    }
  }
}
