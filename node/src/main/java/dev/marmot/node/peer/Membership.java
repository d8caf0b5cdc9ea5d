package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.JoinReply;
import dev.marmot.proto.v1.JoinRequest;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import java.util.Map;
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
   * @param removed whether a node was removed for ever
   */
  public static Map<String, PeerHandler> handlers(
      NodeIdentity identity, CompletableFuture<RaftNode> raft, IntPredicate removed) {
    return Map.of(
        "describe",
        request -> raft.thenApply(node -> describe(identity, node)),
        "join",
        request -> raft.thenCompose(node -> join(node, request, removed)));
  }

  private static ByteString describe(NodeIdentity identity, RaftNode raft) {
    DescribeReply.Builder reply = DescribeReply.newBuilder().setIdentity(identity);
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
      RaftNode raft, ByteString bytes, IntPredicate removed) {
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
    return raft.add(member, others < MOST_VOTERS)
        .thenApply(done -> JoinReply.getDefaultInstance().toByteString());
  }
}
