package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.peer.PeerWatch.LastHeard;
import dev.marmot.proto.v1.HeardReply;
import dev.marmot.proto.v1.HeardRequest;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Whether a node that wants to join has the number of a member that lives. That one would be put
 * out for ever, and what it had not sent would stay in its file, so it is asked, and everybody who
 * may have heard it. Thread-safe.
 */
final class FormerSelf {
  private static final String HEARD = "heard";
  private static final Duration CALL = Duration.ofSeconds(2);
  private static final Duration RECENTLY = Duration.ofMinutes(1);

  private final NodeIdentity self;
  private final CompletableFuture<RaftNode> raft;
  private final CompletableFuture<PeerWatch> watch;

  FormerSelf(
      NodeIdentity self, CompletableFuture<RaftNode> raft, CompletableFuture<PeerWatch> watch) {
    this.self = self;
    this.raft = raft;
    this.watch = watch;
  }

  Map<String, PeerHandler> handlers() {
    return Map.of(HEARD, request -> watch.thenCompose(peers -> answer(peers, request)));
  }

  private static CompletionStage<ByteString> answer(PeerWatch peers, ByteString bytes) {
    HeardRequest request;
    try {
      request = HeardRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    Optional<LastHeard> last =
        peers
            .lastHeard(new NodeId(request.getNode()))
            .filter(heard -> !heard.name().equals(request.getExcept()));
    HeardReply reply =
        last.map(
                heard ->
                    HeardReply.newBuilder()
                        .setMillisAgo(heard.ago().toMillis())
                        .setAddress(heard.address())
                        .build())
            .orElseGet(() -> HeardReply.newBuilder().setMillisAgo(-1).build());
    return CompletableFuture.completedFuture(reply.toByteString());
  }

  /**
   * Why it may not join; empty when it may.
   *
   * @param name of the life that wants to join, which does not count; empty when it has none yet
   */
  CompletionStage<Optional<String>> refusal(NodeId node, String name) {
    return raft.thenCompose(
        cluster -> {
          Optional<String> former = cluster.name(node);
          return former.isEmpty() || former.get().equals(name)
              ? CompletableFuture.completedFuture(Optional.empty())
              : ask(cluster, node, name);
        });
  }

  private CompletableFuture<Optional<String>> ask(RaftNode cluster, NodeId node, String name) {
    ByteString request =
        HeardRequest.newBuilder().setNode(node.value()).setExcept(name).build().toByteString();
    List<CompletableFuture<Optional<HeardReply>>> answers = new ArrayList<>();
    for (Member member : cluster.members()) {
      answers.add(
          member.id().equals(node)
              ? askItself(cluster, member, name)
              : cluster
                  .call(member.id(), HEARD, request, CALL)
                  .toCompletableFuture()
                  .handle((reply, failure) -> read(reply)));
    }
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
        .thenApply(
            all ->
                answers.stream()
                    .flatMap(answer -> answer.join().stream())
                    .filter(heard -> heard.getMillisAgo() >= 0)
                    .filter(heard -> heard.getMillisAgo() < RECENTLY.toMillis())
                    .min((a, b) -> Long.compare(a.getMillisAgo(), b.getMillisAgo()))
                    .map(heard -> refusal(node, heard)));
  }

  private CompletableFuture<Optional<HeardReply>> askItself(
      RaftNode cluster, Member member, String name) {
    return PeerCalls.hello(cluster, member.id(), self, CALL)
        .toCompletableFuture()
        .handle(
            (reply, failure) ->
                reply == null || reply.getName().equals(name)
                    ? Optional.empty()
                    : Optional.of(HeardReply.newBuilder().setAddress(member.address()).build()));
  }

  /** One that does not answer has not heard it, for all that can be known. */
  private static Optional<HeardReply> read(@Nullable ByteString reply) {
    try {
      return reply == null ? Optional.empty() : Optional.of(HeardReply.parseFrom(reply));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("cannot read a node's answer: " + e.getMessage(), e);
    }
  }

  private static String refusal(NodeId node, HeardReply heard) {
    return ("node %d is a member of the cluster and was heard %d s ago at %s: it would be put out for"
            + " ever; give this node a number of its own, or stop that one and wait a minute, or"
            + " start with --replace to take its place at once")
        .formatted(node.value(), heard.getMillisAgo() / 1000, heard.getAddress());
  }
}
