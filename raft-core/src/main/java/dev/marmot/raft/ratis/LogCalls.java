package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.FloorReply;
import dev.marmot.proto.v1.FloorRequest;
import dev.marmot.proto.v1.ProposeRequest;
import dev.marmot.raft.LogId;
import dev.marmot.raft.PeerHandler;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** What a node answers to other nodes about its copies of the logs. Stateless. */
final class LogCalls {
  private LogCalls() {}

  /**
   * @param logs of this node, once it runs
   */
  static Map<String, PeerHandler> handlers(Supplier<LocalLogs> logs) {
    return Map.of(
        Proposer.METHOD, request -> propose(logs, request),
        FloorMeeting.METHOD, request -> floor(logs, request));
  }

  private static CompletionStage<ByteString> propose(Supplier<LocalLogs> logs, ByteString bytes) {
    ProposeRequest request;
    try {
      request = ProposeRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    return logs.get()
        .propose(new LogId(request.getLog()), request.getEntry())
        .thenApply(outcome -> outcome.toReply().toByteString());
  }

  private static CompletionStage<ByteString> floor(Supplier<LocalLogs> logs, ByteString bytes) {
    FloorRequest request;
    try {
      request = FloorRequest.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return CompletableFuture.failedFuture(e);
    }
    CopyStart start = logs.get().floor(new LogId(request.getLog())).current();
    FloorReply.Builder reply = FloorReply.newBuilder();
    if (start != null) {
      reply.setFloor(start.toProto());
    }
    return CompletableFuture.completedFuture(reply.build().toByteString());
  }
}
