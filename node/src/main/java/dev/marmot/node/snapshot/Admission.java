package dev.marmot.node.snapshot;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.JoinReply;
import dev.marmot.proto.v1.JoinRequest;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.raft.RemovedException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has this node made a member of a running cluster, and tries until it is one. Thread-safe; works
 * on a thread of its own.
 */
public final class Admission implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Admission.class);

  /** Called after this name on any member. */
  public static final String METHOD = "join";

  private static final Duration LIMIT = Duration.ofMinutes(60);
  private static final long PAUSE_MILLIS = 500;

  private final RaftNode raft;
  private final Member self;
  private final Consumer<Throwable> failed;
  private final Thread thread;
  private final boolean replace;
  private JoinReply answer = JoinReply.getDefaultInstance();
  private volatile String waitsFor = "is not a member of the cluster yet";

  /**
   * @param self as the others shall reach this node
   * @param replace even if a member with this number seems to be alive
   * @param failed told when this node will never be a member
   */
  public Admission(RaftNode raft, Member self, boolean replace, Consumer<Throwable> failed) {
    this.raft = raft;
    this.replace = replace;
    this.self = self;
    this.failed = failed;
    this.thread = new Thread(this::run, self.id() + "-admission");
    this.thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  private void run() {
    ByteString request =
        JoinRequest.newBuilder()
            .setMember(
                dev.marmot.proto.v1.Member.newBuilder()
                    .setNodeId(self.id().value())
                    .setHost(self.host())
                    .setPort(self.port()))
            .setName(raft.name())
            .setReplace(replace)
            .build()
            .toByteString();
    try {
      while (!asked(request)) {
        Thread.sleep(PAUSE_MILLIS); // nobody tells when a member can answer
      }
      if (answer.getRemoved()) {
        failed.accept(new RemovedException(self.id()));
      } else if (!answer.getRefusal().isEmpty()) {
        failed.accept(
            new IllegalStateException(
                "cannot join as node %d: %s".formatted(self.id().value(), answer.getRefusal())));
      } else {
        waitsFor = "";
        log.atInfo().log("joined the cluster");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the node closes
    }
  }

  private boolean asked(ByteString request) throws InterruptedException {
    for (Member member : raft.members()) {
      NodeId node = member.id();
      if (node.equals(self.id())) {
        continue;
      }
      try {
        ByteString reply =
            raft.call(node, METHOD, request, LIMIT)
                .toCompletableFuture()
                .get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        answer = JoinReply.parseFrom(reply);
        return true;
      } catch (ExecutionException | TimeoutException | InvalidProtocolBufferException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        waitsFor = "is not a member of the cluster yet: " + node + ": " + cause.getMessage();
        log.atWarn()
            .addKeyValue("asked", node)
            .addKeyValue("reason", cause.getMessage())
            .log("not a member yet, trying again");
      }
    }
    return false;
  }

  /** What this node is waiting for; empty when it is a member. */
  public Optional<String> state() {
    return Optional.of(waitsFor).filter(reason -> !reason.isEmpty());
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
