package dev.marmot.node.first;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.first.Comparison.Agreed;
import dev.marmot.node.first.Comparison.Differing;
import dev.marmot.node.first.Comparison.Outcome;
import dev.marmot.node.first.Comparison.Replaced;
import dev.marmot.node.first.Comparison.Waiting;
import dev.marmot.node.identity.Identities;
import dev.marmot.proto.v1.ContentReply;
import dev.marmot.proto.v1.ContentRequest;
import dev.marmot.proto.v1.FirstContent;
import dev.marmot.raft.Member;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a node of a new cluster from replicating until all nodes have compared their files.
 * Thread-safe; works on a thread of its own. The application goes on meanwhile.
 */
public final class FirstStart implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FirstStart.class);
  private static final String METHOD = "content";
  private static final Duration CALL = Duration.ofSeconds(2);
  private static final long PAUSE_MILLIS = 100;

  private final int self;
  private final Map<Integer, FirstContent> known = new ConcurrentHashMap<>();
  private final Set<Integer> asked = ConcurrentHashMap.newKeySet();
  private final Consumer<Throwable> failed;
  private volatile @Nullable Thread thread;
  private volatile FirstContent own;
  private volatile String waitsFor = "";

  /** What happens once all agree; before it returns, nobody is told. */
  @FunctionalInterface
  public interface Begin {
    /**
     * Keeps the agreement durably and begins to replicate.
     *
     * @param take whether the file's rows have to give way to the others' first
     * @throws IOException when this node cannot take part
     */
    void begin(FirstContent agreed, boolean take) throws IOException;
  }

  /**
   * @param own what this node's file holds, with its identity
   * @param failed told when this node must not go on
   */
  public FirstStart(FirstContent own, Consumer<Throwable> failed) {
    this.self = own.getIdentity().getNodeId();
    this.own = own;
    this.failed = failed;
  }

  /** What this node answers to the others. */
  public Map<String, PeerHandler> handlers() {
    return Map.of(METHOD, this::answer);
  }

  private CompletionStage<ByteString> answer(ByteString request) {
    try {
      heard(ContentRequest.parseFrom(request).getMine());
      return CompletableFuture.completedFuture(
          ContentReply.newBuilder().setMine(own).build().toByteString());
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** A node of another cluster, or with other options, does not count. */
  private void heard(FirstContent theirs) {
    if (Identities.differsFromPeer(own.getIdentity(), theirs.getIdentity()).isEmpty()) {
      known.put(theirs.getIdentity().getNodeId(), theirs);
    }
  }

  /** Whether it was over before this start. */
  public boolean isOver() {
    return own.getAgreed() || own.getTaken();
  }

  /** Compares, and begins when all agree; at once when that was long ago. */
  public void start(RaftNode raft, Begin begin) throws IOException {
    if (isOver()) {
      begin.begin(own, false);
      return;
    }
    waitsFor = "waiting for the first comparison";
    Thread worker = new Thread(() -> run(raft, begin), "n" + self + "-first-start");
    worker.setDaemon(true);
    thread = worker;
    worker.start();
  }

  private void run(RaftNode raft, Begin begin) {
    try {
      while (!look(raft, begin)) {
        ask(raft);
        Thread.sleep(PAUSE_MILLIS); // nobody tells when another node can answer
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the node closes
    } catch (IOException | RuntimeException e) {
      failed.accept(e);
    }
  }

  private void ask(RaftNode raft) {
    ByteString request = ContentRequest.newBuilder().setMine(own).build().toByteString();
    for (Member member : raft.members()) {
      int node = member.id().value();
      if (node != self && asked.add(node)) {
        var unused =
            raft.call(member.id(), METHOD, request, CALL)
                .handle(
                    (reply, failure) -> {
                      asked.remove(node);
                      return reply == null ? false : heardBytes(reply);
                    });
      }
    }
  }

  private boolean heardBytes(ByteString reply) {
    try {
      heard(ContentReply.parseFrom(reply).getMine());
      return true;
    } catch (InvalidProtocolBufferException e) {
      log.atWarn().setCause(e).log("cannot read a node's content");
      return false;
    }
  }

  /** Whether it is over. */
  private boolean look(RaftNode raft, Begin begin) throws IOException {
    known.put(self, own);
    Set<Integer> members =
        raft.members().stream().map(member -> member.id().value()).collect(Collectors.toSet());
    Outcome outcome = Comparison.decide(self, members, known);
    if (outcome instanceof Waiting waiting) {
      show("waiting for the first comparison: " + ContentDifferences.nodes(waiting.nodes()), false);
    } else if (outcome instanceof Differing differing) {
      show(differing.why(), true);
    } else if (outcome instanceof Replaced replaced) {
      failed.accept(new IllegalStateException(replaced.why()));
      return true;
    } else if (outcome instanceof Agreed agreed) {
      FirstContent now =
          own.toBuilder().clearSeed().setAgreed(true).putAllFiles(agreed.files()).build();
      if (agreed.take()) {
        // Its own tables are not those that were agreed on.
        now = now.toBuilder().clearTables().clearAgreed().setTaken(true).build();
      }
      begin.begin(now, agreed.take());
      own = now;
      waitsFor = "";
      log.atInfo().addKeyValue("taken", agreed.take()).log("first comparison: all nodes agree");
      return true;
    }
    return false;
  }

  private void show(String reason, boolean bad) {
    if (!reason.equals(waitsFor)) {
      waitsFor = reason;
      (bad ? log.atWarn() : log.atInfo()).addKeyValue("reason", reason).log("not replicating yet");
    }
  }

  /** What this node is waiting for; empty when it may replicate. */
  public Optional<String> state() {
    return Optional.of(waitsFor).filter(reason -> !reason.isEmpty());
  }

  /** Returns when nothing is begun any more. */
  @Override
  public void close() {
    Thread worker = thread;
    if (worker == null || worker == Thread.currentThread()) {
      return;
    }
    worker.interrupt();
    boolean interrupted = false;
    while (worker.isAlive()) {
      try {
        worker.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
