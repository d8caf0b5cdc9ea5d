package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.DescribeRequest;
import dev.marmot.proto.v1.JoinReply;
import dev.marmot.proto.v1.JoinRequest;
import dev.marmot.proto.v1.KnownLife;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/** What this node answers to those who want to become members. Stateless. */
public final class Membership {
  /** Members from this number on are full copies that do not vote. */
  private static final int MOST_VOTERS = 5;

  private Membership() {}

  /**
   * The calls that nodes outside the cluster may make.
   *
   * @param raft completed before the first call comes
   * @param watch likewise
   * @param state how this node's file stands
   */
  public static Map<String, PeerHandler> handlers(
      NodeIdentity identity,
      CompletableFuture<RaftNode> raft,
      CompletableFuture<PeerWatch> watch,
      Supplier<ReplicaState> state) {
    FormerSelf former = new FormerSelf(identity, raft, watch);
    Map<String, PeerHandler> handlers = new HashMap<>(former.handlers());
    handlers.put(
        "describe",
        request ->
            raft.thenCompose(
                node ->
                    describe(
                        identity,
                        node,
                        former,
                        asked -> known(asked, node, watch, state.get()),
                        request)));
    handlers.put(
        "join",
        request ->
            raft.thenCompose(
                node ->
                    join(
                        node,
                        request,
                        former,
                        asked -> state.get().minEpochOf(asked) == ReplicaState.REMOVED)));
    return handlers;
  }

  private static CompletionStage<ByteString> describe(
      NodeIdentity identity,
      RaftNode raft,
      FormerSelf former,
      IntFunction<KnownLife> known,
      ByteString bytes) {
    DescribeRequest request;
    try {
      request = DescribeRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    int joining = request.getJoining();
    int asked = Math.max(joining, request.getNode());
    KnownLife life = asked == 0 ? KnownLife.getDefaultInstance() : known.apply(asked);
    CompletionStage<Optional<String>> refusal =
        joining == 0
            ? CompletableFuture.completedFuture(Optional.empty())
            : former.refusal(new NodeId(joining), "");
    return refusal.thenApply(why -> describe(identity, raft, life, why.orElse("")));
  }

  /** What this node knows of another one, or of a former life of it. */
  private static KnownLife known(
      int node, RaftNode raft, CompletableFuture<PeerWatch> watch, ReplicaState state) {
    LastApplied last = state.lastOf(node);
    KnownLife.Builder known =
        KnownLife.newBuilder()
            .setName(raft.name(new NodeId(node)).orElse(""))
            .setEpoch(state.minEpochOf(node))
            .setLastEpoch(last.epoch())
            .setLastNumber(last.number())
            .setMaxSeq(last.maxSeq())
            .setFile(last.file())
            .setBase(last.base());
    Optional.ofNullable(watch.getNow(null))
        .flatMap(peers -> peers.said(new NodeId(node)))
        .ifPresent(said -> known.setStartFile(said.getFile()).setStart(said.getStart()));
    return known.build();
  }

  private static ByteString describe(
      NodeIdentity identity, RaftNode raft, KnownLife known, String refusal) {
    DescribeReply.Builder reply =
        DescribeReply.newBuilder().setIdentity(identity).setKnown(known).setRefusal(refusal);
    for (Member member : raft.members()) {
      reply.addMembers(
          dev.marmot.proto.v1.Member.newBuilder()
              .setNodeId(member.id().value())
              .setHost(member.host())
              .setPort(member.port()));
    }
    return reply.build().toByteString();
  }

  private static CompletionStage<ByteString> join(
      RaftNode raft, ByteString bytes, FormerSelf former, IntPredicate removed) {
    JoinRequest request;
    try {
      request = JoinRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    NodeId id = new NodeId(request.getMember().getNodeId());
    if (removed.test(id.value())) {
      return CompletableFuture.completedFuture(
          JoinReply.newBuilder().setRemoved(true).build().toByteString());
    }
    Member member = new Member(id, request.getMember().getHost(), request.getMember().getPort());
    long others = raft.members().stream().filter(one -> !one.id().equals(id)).count();
    CompletionStage<Optional<String>> refusal =
        request.getReplace()
            ? CompletableFuture.completedFuture(Optional.empty())
            : former.refusal(id, request.getName());
    return refusal.thenCompose(
        why ->
            why.isPresent()
                ? CompletableFuture.completedFuture(
                    JoinReply.newBuilder().setRefusal(why.get()).build().toByteString())
                : raft.add(member, others < MOST_VOTERS)
                    .thenApply(done -> JoinReply.getDefaultInstance().toByteString()));
  }
}
