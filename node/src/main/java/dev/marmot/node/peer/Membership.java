package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.DescribeRequest;
import dev.marmot.proto.v1.JoinReply;
import dev.marmot.proto.v1.JoinRequest;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntPredicate;

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
   * @param removed whether a node was removed for ever
   */
  public static Map<String, PeerHandler> handlers(
      NodeIdentity identity,
      CompletableFuture<RaftNode> raft,
      CompletableFuture<PeerWatch> watch,
      IntPredicate removed) {
    FormerSelf former = new FormerSelf(identity, raft, watch);
    Map<String, PeerHandler> handlers = new HashMap<>(former.handlers());
    handlers.put(
        "describe", request -> raft.thenCompose(node -> describe(identity, node, former, request)));
    handlers.put("join", request -> raft.thenCompose(node -> join(node, request, former, removed)));
    return handlers;
  }

  private static CompletionStage<ByteString> describe(
      NodeIdentity identity, RaftNode raft, FormerSelf former, ByteString request) {
    int joining;
    try {
      joining = DescribeRequest.parseFrom(request).getJoining();
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    CompletionStage<Optional<String>> refusal =
        joining == 0
            ? CompletableFuture.completedFuture(Optional.empty())
            : former.refusal(new NodeId(joining), "");
    return refusal.thenApply(why -> describe(identity, raft, why.orElse("")));
  }

  private static ByteString describe(NodeIdentity identity, RaftNode raft, String refusal) {
    DescribeReply.Builder reply =
        DescribeReply.newBuilder().setIdentity(identity).setRefusal(refusal);
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
