package dev.marmot.node.peer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.ConflictHeadsReply;
import dev.marmot.proto.v1.ConflictHeadsRequest;
import dev.marmot.proto.v1.ConflictImage;
import dev.marmot.proto.v1.ConflictImagesReply;
import dev.marmot.proto.v1.ConflictImagesRequest;
import dev.marmot.raft.PeerHandler;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.ConflictHead;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** What this node tells others of its conflict log, and in which form. Stateless. */
public final class ConflictCalls {
  static final String HEADS = "conflict-heads";
  static final String IMAGES = "conflict-images";

  /** Heads in one answer. */
  static final int PAGE = 5_000;

  private static final long MOST_BYTES = 1 << 20;

  private ConflictCalls() {}

  /** What this node answers. */
  public static Map<String, PeerHandler> handlers(SqliteReplicaStore store) {
    return Map.of(
        HEADS, request -> answer(() -> heads(store, ConflictHeadsRequest.parseFrom(request))),
        IMAGES, request -> answer(() -> images(store, ConflictImagesRequest.parseFrom(request))));
  }

  private static ByteString heads(SqliteReplicaStore store, ConflictHeadsRequest request) {
    ConflictHeadsReply.Builder reply =
        ConflictHeadsReply.newBuilder().setFile(store.state().file());
    for (ConflictHead head : store.conflictHeads(request.getAfter(), PAGE)) {
      reply.addHeads(
          dev.marmot.proto.v1.ConflictHead.newBuilder()
              .setId(head.id())
              .setPosition(head.position())
              .setTable(head.key().table())
              .setKey(ByteString.copyFrom(head.key().canonical()))
              .setReason(head.reason())
              .setLosingOrigin(head.losingOrigin()));
    }
    return reply.build().toByteString();
  }

  /** What another node's answer names. */
  static List<ConflictHead> heads(ConflictHeadsReply reply) {
    return reply.getHeadsList().stream()
        .map(
            head ->
                new ConflictHead(
                    head.getId(),
                    head.getPosition(),
                    new RowKey(head.getTable(), head.getKey().toByteArray()),
                    head.getReason(),
                    head.getLosingOrigin()))
        .toList();
  }

  private static ByteString images(SqliteReplicaStore store, ConflictImagesRequest request) {
    Set<Long> asked = new HashSet<>(request.getIdsList());
    long first = asked.stream().mapToLong(Long::longValue).min().orElse(0);
    ConflictImagesReply.Builder reply = ConflictImagesReply.newBuilder();
    long[] bytes = {0};
    store.conflicts(
        first - 1,
        logged -> {
          if (asked.remove(logged.id())) {
            ConflictImage image = image(logged);
            reply.addConflicts(image);
            bytes[0] += image.getSerializedSize();
          }
          return !asked.isEmpty() && bytes[0] < MOST_BYTES;
        });
    return reply.build().toByteString();
  }

  private static ConflictImage image(LoggedConflict logged) {
    Conflict conflict = logged.conflict();
    return ConflictImage.newBuilder()
        .setId(logged.id())
        .setPosition(conflict.position())
        .setReason(conflict.reason().name())
        .setLosingOrigin(conflict.losingOrigin())
        .setWinningOrigin(conflict.winningOrigin())
        .setImage(ByteString.copyFrom(ChangeSetCodec.encodeUnbounded(List.of(conflict.losing()))))
        .build();
  }

  /** An entry that another node told. */
  static Conflict conflict(ConflictImage image) {
    return new Conflict(
        ChangeSetCodec.decode(image.getImage().toByteArray()).get(0),
        image.getLosingOrigin(),
        image.getWinningOrigin(),
        image.getPosition(),
        Reason.valueOf(image.getReason()));
  }

  private static CompletionStage<ByteString> answer(Answer answer) {
    try {
      return CompletableFuture.completedFuture(answer.get());
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private interface Answer {
    ByteString get() throws InvalidProtocolBufferException;
  }
}
