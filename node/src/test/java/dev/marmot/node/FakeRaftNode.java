package dev.marmot.node;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.FlushReply;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.PeerCallException.Arrival;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A cluster without logs that notes what it was asked to do. Thread-safe. */
final class FakeRaftNode implements RaftNode {
  static final long COMMITTED = 60;

  final List<String> done = new CopyOnWriteArrayList<>();
  volatile List<Integer> nodes;
  volatile boolean silent;
  volatile int failingMoves;
  volatile @Nullable RuntimeException refusal;
  private final int shards;

  FakeRaftNode(int nodes, int shards) {
    this.nodes = IntStream.rangeClosed(1, nodes).boxed().toList();
    this.shards = shards;
  }

  @Override
  public void listen() {}

  @Override
  public String name() {
    return "n1";
  }

  @Override
  public Optional<String> name(NodeId node) {
    return nodes.contains(node.value()) ? Optional.of(node.toString()) : Optional.empty();
  }

  @Override
  public List<LogStatus> status() {
    return IntStream.rangeClosed(0, shards)
        .mapToObj(
            log ->
                new LogStatus(
                    new LogId(log),
                    Optional.of(new NodeId(1)),
                    3,
                    COMMITTED,
                    Floor.NONE,
                    100,
                    Set.of(new NodeId(1), new NodeId(2), new NodeId(3)),
                    Set.of(),
                    true,
                    Optional.empty()))
        .toList();
  }

  @Override
  public List<Member> members() {
    return nodes.stream().map(id -> new Member(new NodeId(id), "127.0.0.1", 1)).toList();
  }

  @Override
  public CompletionStage<Void> remove(NodeId node, boolean force) {
    return answer("remove " + node + (force ? " by force" : ""));
  }

  @Override
  public CompletionStage<Void> transferLeadership(LogId log, NodeId to) {
    if (failingMoves > 0) {
      failingMoves = 0;
      return CompletableFuture.failedFuture(new IllegalStateException("an election is under way"));
    }
    return answer("move " + log + " to " + to);
  }

  @Override
  public CompletionStage<Void> drain(NodeId node) {
    return answer("drain " + node);
  }

  @Override
  public CompletionStage<Void> rebalance() {
    return answer("rebalance");
  }

  @Override
  public CompletionStage<Void> setShards(int number) {
    return answer("set " + number);
  }

  private CompletionStage<Void> answer(String what) {
    RuntimeException thrown = refusal;
    if (thrown != null) {
      return CompletableFuture.failedFuture(thrown);
    }
    done.add(what);
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletionStage<ByteString> call(
      NodeId node, String method, ByteString request, Duration timeout) {
    if (silent) {
      return CompletableFuture.failedFuture(
          new PeerCallException("cannot call it", "no answer", Arrival.NOT_ARRIVED));
    }
    done.add(method + " " + node);
    return CompletableFuture.completedFuture(
        FlushReply.newBuilder().setPosition(COMMITTED).build().toByteString());
  }

  @Override
  public CompletionStage<LogPosition> propose(LogId log, ByteString entry) {
    try {
      for (OrderItem item : OrderLogEntry.parseFrom(entry).getItemsList()) {
        done.add((item.getEpoch().getRemoved() ? "end " : "open ") + item.getEpoch().getOrigin());
      }
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    return CompletableFuture.completedFuture(new LogPosition(3, COMMITTED + 1));
  }

  @Override
  public int shards() {
    return shards;
  }

  @Override
  public int allShards() {
    return shards;
  }

  @Override
  public void start() {}

  @Override
  public CompletionStage<Void> add(Member member, boolean voting) {
    return answer("add " + member.id());
  }

  @Override
  public void mayNotLead(Set<LogId> logs) {}

  @Override
  public Read read(LogId log, long index) {
    return new RaftOwn();
  }

  @Override
  public long committed(LogId log) {
    return COMMITTED;
  }

  @Override
  public Floor floor(LogId log) {
    return Floor.NONE;
  }

  @Override
  public void raiseFloor(LogId log, Floor floor) {}

  @Override
  public void close() {}
}
