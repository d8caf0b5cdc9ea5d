package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.replication.Replicator;
import dev.marmot.proto.v1.ConflictHeadsReply;
import dev.marmot.proto.v1.ConflictHeadsRequest;
import dev.marmot.proto.v1.ConflictImage;
import dev.marmot.proto.v1.ConflictImagesReply;
import dev.marmot.proto.v1.ConflictImagesRequest;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ConflictHead;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes from the other nodes what this node's conflict log lacks: what lost under a row of its own
 * that was not ordered yet, this node may never have seen. Entries are a function of the order log,
 * so what two nodes know of one event is the same. Confined to its own thread, start and close
 * excepted.
 */
public final class ConflictExchange implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConflictExchange.class);
  private static final Duration EVERY = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final RaftNode raft;
  private final NodeId self;
  private final SqliteReplicaStore store;
  private final Replicator replicator;
  private final Map<NodeId, Place> places = new HashMap<>();
  private final ScheduledExecutorService timer;

  /** Up to where the log of another node's file was read. */
  private record Place(long file, long id) {}

  public ConflictExchange(
      RaftNode raft, NodeId self, SqliteReplicaStore store, Replicator replicator) {
    this.raft = raft;
    this.self = self;
    this.store = store;
    this.replicator = replicator;
    this.timer = PeerTimer.open(self, "conflicts");
  }

  public void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::round, 0, EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void round() {
    for (Member member : raft.members()) {
      if (!member.id().equals(self)) {
        try {
          ask(member.id());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        } catch (ExecutionException
            | TimeoutException
            | InvalidProtocolBufferException
            | RuntimeException e) {
          // It is asked again; PeerWatch says who does not answer, the applier what it cannot do.
          log.atDebug().addKeyValue("node", member.id()).setCause(e).log("conflicts not exchanged");
        }
      }
    }
  }

  /** Reads on in another node's log, to its end. */
  private void ask(NodeId node)
      throws InterruptedException,
          ExecutionException,
          TimeoutException,
          InvalidProtocolBufferException {
    while (true) {
      Place place = places.getOrDefault(node, new Place(0, 0));
      ConflictHeadsReply reply =
          ConflictHeadsReply.parseFrom(
              call(
                  node,
                  ConflictCalls.HEADS,
                  ConflictHeadsRequest.newBuilder().setAfter(place.id()).build().toByteString()));
      if (reply.getFile() != place.file() && place.id() != 0) {
        places.remove(node); // another file: its log is read from the beginning
        continue;
      }
      List<ConflictHead> heads = ConflictCalls.heads(reply);
      if (heads.isEmpty()) {
        return;
      }
      learn(node, store.lackingConflicts(heads));
      places.put(node, new Place(reply.getFile(), heads.get(heads.size() - 1).id()));
    }
  }

  private void learn(NodeId node, List<ConflictHead> lacking)
      throws InterruptedException,
          ExecutionException,
          TimeoutException,
          InvalidProtocolBufferException {
    List<Long> ids = lacking.stream().map(ConflictHead::id).toList();
    while (!ids.isEmpty()) {
      ConflictImagesReply reply =
          ConflictImagesReply.parseFrom(
              call(
                  node,
                  ConflictCalls.IMAGES,
                  ConflictImagesRequest.newBuilder().addAllIds(ids).build().toByteString()));
      if (reply.getConflictsCount() == 0) {
        return; // they are gone there, too
      }
      List<Conflict> conflicts =
          reply.getConflictsList().stream().map(ConflictCalls::conflict).toList();
      var unused =
          replicator
              .learn(conflicts)
              .toCompletableFuture()
              .get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      long last = reply.getConflictsList().stream().mapToLong(ConflictImage::getId).max().orElse(0);
      ids = ids.stream().filter(id -> id > last).toList();
    }
  }

  private ByteString call(NodeId node, String method, ByteString request)
      throws InterruptedException, ExecutionException, TimeoutException {
    return raft.call(node, method, request, TIMEOUT)
        .toCompletableFuture()
        .get(2 * TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
