package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.identity.Identities;
import dev.marmot.node.replication.Replicator;
import dev.marmot.proto.v1.AwaitPositionReply;
import dev.marmot.proto.v1.AwaitPositionRequest;
import dev.marmot.proto.v1.FlushReply;
import dev.marmot.proto.v1.FlushRequest;
import dev.marmot.proto.v1.HelloReply;
import dev.marmot.proto.v1.HelloRequest;
import dev.marmot.proto.v1.NodeIdentity;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The calls between nodes: how this node answers them, and how it makes them. Thread-safe. */
public final class PeerCalls {
  private static final String HELLO = "hello";
  private static final String FLUSH = "flush";
  private static final String AWAIT = "await";

  private PeerCalls() {}

  /**
   * What a node says of itself. Immutable.
   *
   * @param position order log index at which its file stands
   * @param name of this life of it in the raft logs; empty while it starts
   * @param replicating whether it does, or did since it was started
   */
  public record Standing(long position, String name, boolean replicating) {}

  /**
   * What this node answers.
   *
   * @param standing how this node stands
   * @param introduced told who introduced itself
   */
  public static Map<String, PeerHandler> handlers(
      NodeIdentity identity,
      Replicator replicator,
      Supplier<Standing> standing,
      Consumer<NodeIdentity> introduced) {
    return Map.of(
        HELLO,
        request ->
            answer(
                () -> {
                  HelloRequest hello = HelloRequest.parseFrom(request);
                  String refusal =
                      Identities.differsFromPeer(identity, hello.getIdentity()).orElse("");
                  introduced.accept(hello.getIdentity());
                  Standing now = standing.get();
                  return CompletableFuture.completedFuture(
                      HelloReply.newBuilder()
                          .setIdentity(identity)
                          .setRefusal(refusal)
                          .setPosition(now.position())
                          .setName(now.name())
                          .setReplicating(now.replicating())
                          .build()
                          .toByteString());
                }),
        FLUSH,
        request ->
            replicator
                .flush()
                .thenApply(at -> FlushReply.newBuilder().setPosition(at).build().toByteString()),
        AWAIT,
        request ->
            answer(
                () ->
                    replicator
                        .reached(AwaitPositionRequest.parseFrom(request).getPosition())
                        .thenApply(
                            at ->
                                AwaitPositionReply.newBuilder()
                                    .setPosition(at)
                                    .build()
                                    .toByteString())));
  }

  /** Introduces this node to another one. */
  static CompletionStage<HelloReply> hello(
      RaftNode raft, NodeId to, NodeIdentity identity, Duration timeout) {
    ByteString request = HelloRequest.newBuilder().setIdentity(identity).build().toByteString();
    return raft.call(to, HELLO, request, timeout)
        .thenApply(r -> parse(() -> HelloReply.parseFrom(r)));
  }

  /** Has another node's committed changes ordered; answers where that ended. */
  public static CompletionStage<Long> flush(RaftNode raft, NodeId to, Duration timeout) {
    ByteString request = FlushRequest.getDefaultInstance().toByteString();
    return raft.call(to, FLUSH, request, timeout)
        .thenApply(r -> parse(() -> FlushReply.parseFrom(r)).getPosition());
  }

  /** Answers when another node's file stands at a position. */
  static CompletionStage<Long> await(RaftNode raft, NodeId to, long position, Duration timeout) {
    ByteString request =
        AwaitPositionRequest.newBuilder().setPosition(position).build().toByteString();
    return raft.call(to, AWAIT, request, timeout)
        .thenApply(r -> parse(() -> AwaitPositionReply.parseFrom(r)).getPosition());
  }

  private static CompletionStage<ByteString> answer(Parser<CompletionStage<ByteString>> handler) {
    try {
      return handler.parse();
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static <T> T parse(Parser<T> parser) {
    try {
      return parser.parse();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("cannot read a node's answer: " + e.getMessage(), e);
    }
  }

  @FunctionalInterface
  private interface Parser<T> {
    T parse() throws InvalidProtocolBufferException;
  }
}
