package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.marmot.raft.LogId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.io.grpc.ManagedChannel;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyChannelBuilder;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;
import org.apache.ratis.util.ProtoUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A member acknowledges what it has synced, and nothing else. */
final class SyncedAppendsTest {
  private static final AppendEntriesReplyProto INCONSISTENT =
      AppendEntriesReplyProto.newBuilder().setResult(AppendResult.INCONSISTENCY).build();

  @TempDir Path directory;

  private final SyncedAppends appends = new SyncedAppends();
  private final AtomicLong synced = new AtomicLong(-1);

  private static AppendEntriesRequestProto entries(long... indices) {
    AppendEntriesRequestProto.Builder request = AppendEntriesRequestProto.newBuilder();
    for (long index : indices) {
      request.addEntries(LogEntryProto.newBuilder().setIndex(index));
    }
    return request.build();
  }

  private static AppendEntriesReplyProto success(long last) {
    return AppendEntriesReplyProto.newBuilder()
        .setResult(AppendResult.SUCCESS)
        .setMatchIndex(last)
        .build();
  }

  private CompletableFuture<AppendEntriesReplyProto> append(
      AppendEntriesRequestProto request, CompletableFuture<AppendEntriesReplyProto> written)
      throws IOException {
    return appends.append(request, () -> written, synced::get);
  }

  private CompletableFuture<AppendEntriesReplyProto> sendAgain(long... indices) throws IOException {
    // Ratis finds the entries in memory and answers at once.
    return append(
        entries(indices), CompletableFuture.completedFuture(success(indices[indices.length - 1])));
  }

  @Test
  void sentAgainWhileTheWriteWaits_isAnsweredWhenItIsDone() throws IOException {
    // An index from before: what is written replaces entries that were synced.
    synced.set(9);
    CompletableFuture<AppendEntriesReplyProto> written = new CompletableFuture<>();
    CompletableFuture<AppendEntriesReplyProto> first = append(entries(5, 6), written);
    CompletableFuture<AppendEntriesReplyProto> again = sendAgain(5, 6);
    assertThat(again).isNotDone();
    written.complete(success(6));
    assertThat(first).isCompletedWithValue(success(6));
    assertThat(again).isCompletedWithValue(success(6));
  }

  @Test
  void laterAppend_doesNotDelayAnEarlierOne() throws IOException {
    synced.set(5);
    CompletableFuture<AppendEntriesReplyProto> written = new CompletableFuture<>();
    CompletableFuture<AppendEntriesReplyProto> first = append(entries(5), written);
    CompletableFuture<AppendEntriesReplyProto> later =
        append(entries(6), new CompletableFuture<>());
    written.complete(success(5));
    assertThat(first).isCompletedWithValue(success(5));
    assertThat(later).isNotDone();
  }

  @Test
  void entriesThatThisNodeWroteAsALeader_areAnsweredWhenSynced() throws IOException {
    synced.set(4);
    CompletableFuture<AppendEntriesReplyProto> answer = sendAgain(5);
    assertThat(answer).isNotDone();
    synced.set(5);
    await().until(answer::isDone);
    assertThat(answer).isCompletedWithValue(success(5));
  }

  @Test
  void answersThatAreNoSuccess_areNotHeldUp() throws IOException {
    assertThat(append(entries(5), CompletableFuture.completedFuture(INCONSISTENT)))
        .isCompletedWithValue(INCONSISTENT);
    assertThat(append(entries(5), CompletableFuture.failedFuture(new IOException("no"))))
        .isCompletedExceptionally();
    synced.set(5);
    assertThat(sendAgain(5)).isCompletedWithValue(success(5));
  }

  @Test
  void endOfTheLog_failsWhatWaits_alsoWhatRatisNeverAnswers() throws IOException {
    CompletableFuture<AppendEntriesReplyProto> written =
        append(entries(5), new CompletableFuture<>());
    CompletableFuture<AppendEntriesReplyProto> again = sendAgain(5);
    appends.end("it is closed");
    synced.set(5);
    for (CompletableFuture<AppendEntriesReplyProto> answer : List.of(written, again)) {
      assertThatThrownBy(() -> answer.get(1, TimeUnit.SECONDS))
          .hasMessageContaining("cannot acknowledge entries of this log now: it is closed");
    }
    assertThatThrownBy(() -> sendAgain(5)).hasMessageContaining("it is closed");
  }

  /** What Ratis 3.3.0 would acknowledge: the entries are in its memory and nowhere else. */
  @Test
  void sentAgainAfterTheWriteFailed_isNotAcknowledged() throws Exception {
    try (TestCluster cluster = new TestCluster(directory, 1)) {
      cluster.start(1);
      LogGroups groups = new LogGroups("test");
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", cluster.member(1).port())
              .usePlaintext()
              .build();
      try {
        AppendEntriesRequestProto heartbeat = request(groups);
        assertThat(send(channel, heartbeat)).isEqualTo("SUCCESS");

        Path group = directory.resolve("n1").resolve(groups.groupId(LogId.ORDER).getUuid() + "");
        Files.move(group.resolve("current"), group.resolve("away"));
        AppendEntriesRequestProto append =
            heartbeat.toBuilder().addEntries(CraftedLog.data(50, 0, new byte[] {'x'})).build();
        assertThat(send(channel, append)).contains("failed");
        assertThat(send(channel, append)).doesNotContain("SUCCESS").contains("failed");
        Files.move(group.resolve("away"), group.resolve("current"));
      } finally {
        channel.shutdownNow();
      }
      assertThat(cluster.failures).singleElement().asString().contains("cannot write the raft log");
    }
  }

  private static AppendEntriesRequestProto request(LogGroups groups) {
    return AppendEntriesRequestProto.newBuilder()
        .setServerRequest(
            RaftRpcRequestProto.newBuilder()
                .setRequestorId(ByteString.copyFromUtf8("n2"))
                .setReplyId(ByteString.copyFromUtf8("n1"))
                .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(groups.groupId(LogId.ORDER)))
                .setCallId(1))
        .setLeaderTerm(50)
        .setLeaderCommit(-1)
        .build();
  }

  /** What the member answers to a leader. */
  private static String send(ManagedChannel channel, AppendEntriesRequestProto request)
      throws InterruptedException {
    LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
    StreamObserver<AppendEntriesRequestProto> stream =
        RaftServerProtocolServiceGrpc.newStub(channel)
            .appendEntries(
                new StreamObserver<>() {
                  @Override
                  public void onNext(AppendEntriesReplyProto reply) {
                    answers.add(reply.getResult().toString());
                  }

                  @Override
                  public void onError(Throwable failure) {
                    answers.add("failed: " + failure.getMessage());
                  }

                  @Override
                  public void onCompleted() {
                    answers.add("completed");
                  }
                });
    stream.onNext(request);
    return String.valueOf(answers.poll(10, TimeUnit.SECONDS));
  }
}
