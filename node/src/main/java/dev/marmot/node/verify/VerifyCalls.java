package dev.marmot.node.verify;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.marmot.proto.v1.VerifiedTable;
import dev.marmot.proto.v1.VerifyCloseReply;
import dev.marmot.proto.v1.VerifyCloseRequest;
import dev.marmot.proto.v1.VerifyHashesReply;
import dev.marmot.proto.v1.VerifyHashesRequest;
import dev.marmot.proto.v1.VerifyKeysReply;
import dev.marmot.proto.v1.VerifyKeysRequest;
import dev.marmot.proto.v1.VerifyResendReply;
import dev.marmot.proto.v1.VerifyResendRequest;
import dev.marmot.proto.v1.VerifyRowsReply;
import dev.marmot.proto.v1.VerifyRowsRequest;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.store.TableHashes;
import dev.marmot.sqlite.store.TableHashes.TableHash;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The calls of the node that compares. Immutable. */
final class VerifyCalls {
  static final String KEYS = "verify-keys";
  static final String HASHES = "verify-hashes";
  static final String ROWS = "verify-rows";
  static final String RESEND = "verify-resend";
  static final String CLOSE = "verify-close";

  /** Reading and hashing a large file takes long, and nobody waits for it meanwhile. */
  private static final Duration WORK = Duration.ofMinutes(20);

  private static final Duration SHORT = Duration.ofSeconds(10);

  private final RaftNode raft;
  private final String id;

  VerifyCalls(RaftNode raft, String id) {
    this.raft = raft;
    this.id = id;
  }

  CompletableFuture<VerifyKeysReply> keys(NodeId node, Duration wait) {
    VerifyKeysRequest request = VerifyKeysRequest.newBuilder().setId(id).build();
    return call(node, KEYS, request, VerifyKeysReply.parser(), wait);
  }

  CompletableFuture<TableHashes> hashes(NodeId node, Collection<Long> without) {
    VerifyHashesRequest request =
        VerifyHashesRequest.newBuilder().setId(id).addAllWithout(without).build();
    return call(node, HASHES, request, VerifyHashesReply.parser(), WORK)
        .thenApply(VerifyCalls::hashes);
  }

  private static TableHashes hashes(VerifyHashesReply reply) {
    Map<String, TableHash> tables = new HashMap<>();
    for (VerifiedTable table : reply.getTablesList()) {
      long[] sums = table.getSumsList().stream().mapToLong(Long::longValue).toArray();
      tables.put(table.getTable(), new TableHash(table.getRows(), sums));
    }
    return new TableHashes(reply.getPosition(), tables);
  }

  CompletableFuture<VerifyRowsReply> rows(
      int node, String table, List<Integer> ranges, int part, int parts) {
    VerifyRowsRequest request =
        VerifyRowsRequest.newBuilder()
            .setId(id)
            .setTable(table)
            .addAllRanges(ranges)
            .setPart(part)
            .setParts(parts)
            .build();
    return call(new NodeId(node), ROWS, request, VerifyRowsReply.parser(), WORK);
  }

  CompletableFuture<VerifyResendReply> resend(int node, ByteString keys) {
    VerifyResendRequest request = VerifyResendRequest.newBuilder().setKeys(keys).build();
    return call(new NodeId(node), RESEND, request, VerifyResendReply.parser(), WORK);
  }

  CompletableFuture<VerifyCloseReply> close(NodeId node) {
    VerifyCloseRequest request = VerifyCloseRequest.newBuilder().setId(id).build();
    return call(node, CLOSE, request, VerifyCloseReply.parser(), SHORT);
  }

  private <T> CompletableFuture<T> call(
      NodeId node, String method, Message request, Parser<T> parser, Duration timeout) {
    return raft.call(node, method, request.toByteString(), timeout)
        .toCompletableFuture()
        .thenApply(
            reply -> {
              try {
                return parser.parseFrom(reply);
              } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException(
                    "cannot read a node's answer: " + e.getMessage(), e);
              }
            });
  }
}
