package dev.marmot.node;

import dev.marmot.node.control.ClusterPlane;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.peer.PeerCalls;
import dev.marmot.node.replication.Removal;
import dev.marmot.proto.v1.DrainReply;
import dev.marmot.proto.v1.MoveReply;
import dev.marmot.proto.v1.RebalanceReply;
import dev.marmot.proto.v1.RemoveReply;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.ShardStatus;
import dev.marmot.proto.v1.ShardsReply;
import dev.marmot.raft.ChangeException;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogStatus;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.ReplicaState;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Leadership, shards and members, as operators ask for them. Thread-safe. */
final class ClusterControl implements ClusterPlane {
  private static final Logger log = LoggerFactory.getLogger(ClusterControl.class);
  private static final int MOST_SHARDS = 1024;
  private static final Duration FLUSH = Duration.ofSeconds(10);

  /** An election or another move may be under way: the leader that is known is then the old one. */
  private static final int MOVE_ATTEMPTS = 5;

  private static final long MOVE_PAUSE_MILLIS = 500;

  private final NodeId self;
  private final Supplier<ReplicaState> state;
  private final BooleanSupplier appliedAll;
  private final LongFunction<CompletionStage<Long>> reached;
  private final RaftNode raft;

  /**
   * Puts it together.
   *
   * @param appliedAll whether this node's file stands at the end of the order log
   * @param reached completes when this node's file stands at a position or later
   */
  ClusterControl(
      NodeId self,
      Supplier<ReplicaState> state,
      BooleanSupplier appliedAll,
      LongFunction<CompletionStage<Long>> reached,
      RaftNode raft) {
    this.self = self;
    this.state = state;
    this.appliedAll = appliedAll;
    this.reached = reached;
    this.raft = raft;
  }

  @Override
  public ShardsReply shards() {
    ShardsReply.Builder reply = ShardsReply.newBuilder().setActive(raft.shards());
    for (LogStatus status : raft.status()) {
      if (status.log().isOrderLog()) {
        reply.setOrder(shard(status, orderApplied(status)));
      } else {
        reply.addShards(shard(status, status.committed()));
      }
    }
    return reply.build();
  }

  private long orderApplied(LogStatus order) {
    return appliedAll.getAsBoolean() ? order.committed() : state.get().position();
  }

  /** The shards' logs are staging: what of them is applied shows in the order log. */
  private static ShardStatus shard(LogStatus status, long applied) {
    return ShardStatus.newBuilder()
        .setShard(status.log().number())
        .setLeader(status.leader().map(NodeId::value).orElse(0))
        .setTerm(status.term())
        .setCommitted(status.committed())
        .setApplied(applied)
        .setLag(Math.max(0, status.committed() - applied))
        .setFloor(status.floor().index())
        .setBytes(status.bytes())
        .addAllVoters(status.voters().stream().map(NodeId::value).sorted().toList())
        .addAllListeners(status.listeners().stream().map(NodeId::value).sorted().toList())
        .setActive(status.active())
        .build();
  }

  @Override
  public CompletionStage<SetShardsReply> setShards(int shards) {
    if (shards < 1 || shards > MOST_SHARDS) {
      throw invalid(
          "cannot set the number of shards to %s: it must be between 1 and %d"
              .formatted(Integer.toUnsignedString(shards), MOST_SHARDS));
    }
    int before = raft.shards();
    return told(raft.setShards(shards))
        .thenApply(done -> SetShardsReply.newBuilder().setShards(shards).setBefore(before).build());
  }

  @Override
  public CompletionStage<MoveReply> move(List<Integer> shards, int to) {
    String what = "cannot move leaders to node %s: ".formatted(Integer.toUnsignedString(to));
    NodeId target = member(to, what);
    if (shards.isEmpty()) {
      throw invalid(what + "no shard is named; name at least one");
    }
    List<LogId> logs = shards.stream().map(shard -> existing(shard, what)).toList();
    CompletionStage<Void> moved = CompletableFuture.completedFuture(null);
    for (LogId each : logs) {
      moved = moved.thenCompose(before -> transfer(each, target, MOVE_ATTEMPTS));
    }
    return told(moved)
        .thenApply(done -> MoveReply.newBuilder().addAllShards(shards).setTo(to).build());
  }

  private CompletionStage<Void> transfer(LogId each, NodeId to, int attempts) {
    return raft.transferLeadership(each, to)
        .exceptionallyCompose(
            failure ->
                attempts > 1
                    ? CompletableFuture.supplyAsync(
                            () -> transfer(each, to, attempts - 1),
                            CompletableFuture.delayedExecutor(
                                MOVE_PAUSE_MILLIS, TimeUnit.MILLISECONDS))
                        .thenCompose(Function.identity())
                    : CompletableFuture.failedFuture(failure));
  }

  private LogId existing(int shard, String what) {
    if (raft.status().isEmpty()) {
      throw new ControlException(
          Kind.UNAVAILABLE,
          what + "the raft logs of this node are not open yet; see `marmot status`, and try again");
    }
    return raft.status().stream()
        .map(LogStatus::log)
        .filter(each -> each.number() == shard)
        .findAny()
        .orElseThrow(
            () ->
                invalid(
                    what
                        + "there is no shard %s; there are 1 to %d, and 0 for the order log"
                            .formatted(Integer.toUnsignedString(shard), raft.status().size() - 1)));
  }

  @Override
  public CompletionStage<DrainReply> drain(int node) {
    int asked = node == 0 ? self.value() : node;
    String what = "cannot drain node %s: ".formatted(Integer.toUnsignedString(asked));
    NodeId target = member(asked, what);
    if (raft.members().size() == 1) {
      throw invalid(what + "it is the only member, so nobody else can lead");
    }
    return told(raft.drain(target))
        .thenApply(done -> DrainReply.newBuilder().setNode(asked).build());
  }

  @Override
  public CompletionStage<RebalanceReply> rebalance() {
    return told(raft.rebalance()).thenApply(done -> RebalanceReply.getDefaultInstance());
  }

  /**
   * The raft logs first: when they refuse, nothing has changed. What broke off in between is
   * finished by asking again.
   */
  @Override
  public CompletionStage<RemoveReply> remove(int node, boolean force) {
    String what = "cannot remove node %s: ".formatted(Integer.toUnsignedString(node));
    if (node == self.value()) {
      throw invalid(what + "it is the one that was asked; ask another member with --pane");
    }
    boolean isMember = isMember(node);
    if (!isMember && !halfRemoved(node)) {
      throw invalid(what + "it is not a member; " + membersText());
    }
    log.atWarn().addKeyValue("node", node).addKeyValue("force", force).log("removing a node");
    CompletionStage<Boolean> out =
        isMember
            ? flushThenRemove(new NodeId(node), force)
            : CompletableFuture.completedFuture(false);
    return told(
        out.thenCompose(
            flushed ->
                new Removal(raft)
                    .end(node)
                    .exceptionallyCompose(failure -> halfDone(node, failure))
                    .thenCompose(reached::apply)
                    .thenApply(
                        ended ->
                            RemoveReply.newBuilder().setNode(node).setFlushed(flushed).build())));
  }

  private static CompletionStage<Long> halfDone(int node, Throwable failure) {
    Throwable cause = root(failure);
    return CompletableFuture.failedFuture(
        new ChangeException(
            ChangeException.Outcome.UNKNOWN,
            "cannot confirm that node %d is removed: it is out of the raft logs, but: %s; repeat"
                    .formatted(node, cause.getMessage())
                + " the command when there is a quorum",
            cause));
  }

  /** Out of the raft logs, but its epochs are not ended. */
  private boolean halfRemoved(int node) {
    long epoch = state.get().minEpochOf(node);
    return epoch > 0 && epoch != ReplicaState.REMOVED;
  }

  private CompletionStage<Boolean> flushThenRemove(NodeId node, boolean force) {
    return PeerCalls.flush(raft, node, FLUSH)
        .handle(
            (position, failure) -> {
              if (failure != null) {
                log.atWarn()
                    .addKeyValue("node", node)
                    .addKeyValue("reason", reason(failure))
                    .log("what it had not sent is lost");
              }
              return failure == null;
            })
        .thenCompose(flushed -> raft.remove(node, force).thenApply(done -> flushed));
  }

  private NodeId member(int node, String what) {
    if (!isMember(node)) {
      throw invalid(what + "it is not a member; " + membersText());
    }
    return new NodeId(node);
  }

  private boolean isMember(int node) {
    return raft.members().stream().anyMatch(member -> member.id().value() == node);
  }

  private String membersText() {
    return "members are "
        + raft.members().stream()
            .map(Member::id)
            .sorted()
            .map(NodeId::toString)
            .collect(Collectors.joining(", "));
  }

  private static ControlException invalid(String message) {
    return new ControlException(Kind.INVALID, message);
  }

  /** All of this can be asked for again, so a node that does not answer is no more than that. */
  private static <T> CompletionStage<T> told(CompletionStage<T> done) {
    return done.exceptionallyCompose(
        failure -> {
          Throwable cause = root(failure);
          return CompletableFuture.failedFuture(
              new ControlException(kind(cause), reason(failure), cause));
        });
  }

  private static Kind kind(Throwable cause) {
    if (cause instanceof ChangeException change) {
      return change.outcome() == ChangeException.Outcome.NOT_NOW
          ? Kind.UNAVAILABLE
          : Kind.UNKNOWN_OUTCOME;
    }
    if (cause instanceof ProposalException proposal) {
      return proposal.outcome() == ProposalException.Outcome.NOT_PROPOSED
          ? Kind.UNAVAILABLE
          : Kind.UNKNOWN_OUTCOME;
    }
    return cause instanceof PeerCallException ? Kind.UNAVAILABLE : Kind.FAILED;
  }

  private static String reason(Throwable failure) {
    return String.valueOf(root(failure).getMessage());
  }

  private static Throwable root(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
