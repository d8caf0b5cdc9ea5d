package dev.marmot.node.control;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.proto.v1.BarrierReply;
import dev.marmot.proto.v1.BarrierRequest;
import dev.marmot.proto.v1.ConflictsReply;
import dev.marmot.proto.v1.ConflictsRequest;
import dev.marmot.proto.v1.ControlGrpc;
import dev.marmot.proto.v1.ControlGrpc.ControlBlockingStub;
import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.DrainRequest;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.HeldRequest;
import dev.marmot.proto.v1.JoinClusterReply;
import dev.marmot.proto.v1.JoinClusterRequest;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.MoveRequest;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RebalanceRequest;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.RemoveRequest;
import dev.marmot.proto.v1.RetryReply;
import dev.marmot.proto.v1.RetryRequest;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.SetShardsRequest;
import dev.marmot.proto.v1.ShardsReply;
import dev.marmot.proto.v1.ShardsRequest;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.proto.v1.StatusRequest;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyRequest;
import dev.marmot.raft.NetworkFaults;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.grpc.client.GrpcClientOptions;
import io.vertx.grpcio.client.GrpcIoClient;
import io.vertx.grpcio.client.GrpcIoClientChannel;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Asks a node over its control pane, with gRPC. Thread-safe; calls block. */
public final class PaneClient implements AutoCloseable {
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration RETRY_TIMEOUT = Duration.ofSeconds(40);
  // Changes go through all raft logs or members one after the other.
  private static final Duration CHANGE_TIMEOUT = Duration.ofMinutes(5);
  // Reads whole files; the node itself says what takes too long.
  private static final Duration LONG_TIMEOUT = Duration.ofHours(2);
  private static final int CONNECT_MILLIS = 3_000;
  // A page of rows is up to about 8 MiB.
  private static final long MESSAGE_BYTES = 32 << 20;

  private final Vertx vertx;
  private final ControlBlockingStub stub;
  private final Address pane;
  private final InetSocketAddress resolved;

  private PaneClient(
      Vertx vertx, ControlBlockingStub stub, Address pane, InetSocketAddress resolved) {
    this.vertx = vertx;
    this.resolved = resolved;
    this.stub = stub;
    this.pane = pane;
  }

  /**
   * Prepares to ask; connects at the first call.
   *
   * @throws ControlException when the host name is unknown
   */
  public static PaneClient open(Address pane, AuthKey key) {
    InetAddress host;
    try {
      host = InetAddress.getByName(pane.host());
    } catch (UnknownHostException e) {
      throw new ControlException(
          Kind.UNAVAILABLE,
          "cannot reach a node at " + pane + ": " + NetworkFaults.unknownHost(pane.host()),
          e);
    }
    Vertx vertx = PaneVertx.open();
    GrpcIoClient client =
        GrpcIoClient.client(
            vertx,
            new GrpcClientOptions().setMaxMessageSize(MESSAGE_BYTES),
            new HttpClientOptions().setConnectTimeout(CONNECT_MILLIS));
    ControlBlockingStub stub =
        ControlGrpc.newBlockingStub(
            new GrpcIoClientChannel(
                client, SocketAddress.inetSocketAddress(pane.port(), numeric(host))));
    return new PaneClient(
        vertx,
        key.isSet() ? withKey(stub, key) : stub,
        pane,
        new InetSocketAddress(host, pane.port()));
  }

  /** Of an IPv6 address with brackets, since it becomes part of the name of the host asked for. */
  private static String numeric(InetAddress host) {
    String address = host.getHostAddress();
    return host instanceof Inet6Address ? "[" + address + "]" : address;
  }

  private static ControlBlockingStub withKey(ControlBlockingStub stub, AuthKey key) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), key.reveal());
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  /** The node's picture of itself. */
  public StatusReply status() {
    return ask(CALL_TIMEOUT, stub -> stub.status(StatusRequest.getDefaultInstance()));
  }

  /** See {@link ControlPlane#barrier}. */
  public BarrierReply barrier(Duration timeout) {
    BarrierRequest request =
        BarrierRequest.newBuilder().setTimeoutMillis(timeout.toMillis()).build();
    return ask(timeout.plus(CALL_TIMEOUT), stub -> stub.barrier(request));
  }

  /** See {@link ControlPlane#conflicts}. */
  public ConflictsReply conflicts(long after, int limit) {
    ConflictsRequest request =
        ConflictsRequest.newBuilder().setAfter(after).setLimit(limit).build();
    return ask(CALL_TIMEOUT, stub -> stub.conflicts(request));
  }

  /** See {@link ControlPlane#held}. */
  public HeldReply held(long after, int limit) {
    HeldRequest request = HeldRequest.newBuilder().setAfter(after).setLimit(limit).build();
    return ask(CALL_TIMEOUT, stub -> stub.held(request));
  }

  /** See {@link ControlPlane#retry}. */
  public RetryReply retry() {
    return change(RETRY_TIMEOUT, stub -> stub.retry(RetryRequest.getDefaultInstance()));
  }

  /** See {@link ClusterPlane#shards}. */
  public ShardsReply shards() {
    return ask(CALL_TIMEOUT, stub -> stub.shards(ShardsRequest.getDefaultInstance()));
  }

  /** See {@link ClusterPlane#setShards}. */
  public SetShardsReply setShards(int shards) {
    SetShardsRequest request = SetShardsRequest.newBuilder().setShards(shards).build();
    return change(CHANGE_TIMEOUT, stub -> stub.setShards(request));
  }

  /** See {@link ClusterPlane#move}. */
  public MoveReply move(List<Integer> shards, int to) {
    MoveRequest request = MoveRequest.newBuilder().addAllShards(shards).setTo(to).build();
    return change(CHANGE_TIMEOUT, stub -> stub.move(request));
  }

  /** See {@link ClusterPlane#drain}. */
  public DrainReply drain(int node) {
    DrainRequest request = DrainRequest.newBuilder().setNode(node).build();
    return change(CHANGE_TIMEOUT, stub -> stub.drain(request));
  }

  /** See {@link ClusterPlane#rebalance}. */
  public RebalanceReply rebalance() {
    return change(CHANGE_TIMEOUT, stub -> stub.rebalance(RebalanceRequest.getDefaultInstance()));
  }

  /** See {@link ClusterPlane#remove}. */
  public RemoveReply remove(int node, boolean force) {
    RemoveRequest request = RemoveRequest.newBuilder().setNode(node).setForce(force).build();
    return change(CHANGE_TIMEOUT, stub -> stub.remove(request));
  }

  /** See {@link Safekeeping#verify}. */
  public VerifyReply verify(VerifyRequest request) {
    return call(request.getRepair(), LONG_TIMEOUT, stub -> stub.verify(request));
  }

  /** See {@link Safekeeping#saveSnapshot}. */
  public SaveSnapshotReply saveSnapshot(SaveSnapshotRequest request) {
    return change(LONG_TIMEOUT, stub -> stub.saveSnapshot(request));
  }

  /** See {@link ControlPlane#join}. */
  public JoinClusterReply join(String to) {
    JoinClusterRequest request = JoinClusterRequest.newBuilder().setTo(to).build();
    return change(RETRY_TIMEOUT, stub -> stub.join(request));
  }

  /** A call that changes nothing. */
  private <T> T ask(Duration timeout, Function<ControlBlockingStub, T> method) {
    return call(false, timeout, method);
  }

  /** A call that changes something: without an answer nobody knows whether it was done. */
  private <T> T change(Duration timeout, Function<ControlBlockingStub, T> method) {
    return call(true, timeout, method);
  }

  private <T> T call(boolean changes, Duration timeout, Function<ControlBlockingStub, T> method) {
    PaneFaults faults = new PaneFaults(pane, changes, timeout);
    if (!PaneProbe.takesConnections(resolved)) {
      throw faults.nobody(); // certainly not sent, which the failure of a call would not say
    }
    try {
      return method.apply(stub.withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS));
    } catch (StatusRuntimeException e) {
      throw faults.of(e, () -> PaneProbe.look(resolved));
    }
  }

  @Override
  public void close() {
    var unused = vertx.close();
  }
}
