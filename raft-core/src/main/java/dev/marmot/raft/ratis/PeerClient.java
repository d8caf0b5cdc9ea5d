package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Calls to one node by somebody who is no member: only methods that answer anybody. Thread-safe.
 */
public final class PeerClient implements AutoCloseable {
  private final ScheduledExecutorService timer;
  private final PeerLink link;

  /** A client of the node whose raft port has this address. */
  public PeerClient(String host, int port) {
    this.timer = RaftThread.open("peer-client-timer");
    // The caller knows neither cluster nor node id; methods that answer anybody do not ask.
    this.link = new PeerLink("", new Member(new NodeId(1), host, port), timer);
  }

  /** Fails after the timeout, with the reason in the message. */
  public CompletionStage<ByteString> call(String method, ByteString request, Duration timeout) {
    return link.call(method, request, timeout);
  }

  @Override
  public void close() {
    link.close();
    timer.shutdownNow();
  }
}
