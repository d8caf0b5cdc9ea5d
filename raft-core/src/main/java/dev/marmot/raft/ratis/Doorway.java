package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.raft.NetworkFaults;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.grpc.Server;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyServerBuilder;

/**
 * The port of a node before its raft logs are open: calls between nodes and nothing of Raft, so
 * that a node which does not know yet whether it may vote cannot. Thread-safe.
 */
final class Doorway implements AutoCloseable {
  private final ScheduledExecutorService timer;
  private final Peers peers;
  private final Server server;

  private Doorway(ScheduledExecutorService timer, Peers peers, Server server) {
    this.timer = timer;
    this.peers = peers;
    this.server = server;
  }

  static Doorway open(RaftOptions options) throws IOException {
    PeerService service =
        new PeerService(options.cluster(), options.self(), options.handlers(), Map.of());
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress(options.bindHost(), options.bindPort()))
            .addService(service.definition())
            .permitKeepAliveTime(3, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .build();
    try {
      server.start();
    } catch (IOException e) {
      String why = NetworkFaults.listening("bind", options.bindHost(), options.bindPort(), e);
      throw new IOException(
          "cannot listen on %s port %d: %s".formatted(options.bindHost(), options.bindPort(), why),
          e);
    }
    ScheduledExecutorService timer = RaftThread.open(options.self() + "-doorway");
    Peers peers = new Peers(options, timer);
    peers.start();
    return new Doorway(timer, peers, server);
  }

  CompletableFuture<ByteString> call(
      NodeId node, String method, ByteString request, Duration timeout) {
    return peers.call(node, method, request, timeout);
  }

  /** The port is free when this returns. */
  @Override
  public void close() {
    peers.close();
    timer.shutdownNow();
    server.shutdownNow();
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = server.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
