package dev.marmot.node.peer;

import dev.marmot.node.replication.Replicator;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.RaftNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Everything that was committed anywhere before the call is visible here, and this node's own
 * commits are on the others. Immutable.
 *
 * <p>Every node has its committed changes ordered and says where that ended; this node waits for
 * the furthest of those positions, and the others for this node's own.
 */
public final class Barrier {
  private final RaftNode raft;
  private final NodeId self;
  private final Replicator replicator;

  public Barrier(RaftNode raft, NodeId self, Replicator replicator) {
    this.raft = raft;
    this.self = self;
    this.replicator = replicator;
  }

  /**
   * Completes with the position that covers everything; exceptionally with a message that names the
   * node that did not answer. Until it completes nothing is known; calling again is safe.
   */
  public CompletionStage<Long> pass(Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    List<CompletableFuture<Long>> flushed = new ArrayList<>();
    CompletableFuture<Long> own = new CompletableFuture<>();
    for (Member member : raft.members()) {
      CompletableFuture<Long> flush =
          named(member, PeerCalls.flush(raft, member.id(), timeout)).toCompletableFuture();
      flushed.add(flush);
      if (member.id().equals(self)) {
        own = flush;
      }
    }
    CompletableFuture<Long> mine = own;
    return all(flushed)
        .thenCompose(
            everything ->
                replicator
                    .reached(everything)
                    .orTimeout(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)
                    .thenCombine(onOthers(mine.join(), deadline), (reached, unused) -> everything));
  }

  private CompletableFuture<Long> onOthers(long position, long deadline) {
    Duration left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
    List<CompletableFuture<Long>> reached = new ArrayList<>();
    for (Member member : raft.members()) {
      reached.add(
          named(member, PeerCalls.await(raft, member.id(), position, left)).toCompletableFuture());
    }
    return all(reached);
  }

  private static CompletionStage<Long> named(Member member, CompletionStage<Long> call) {
    return call.exceptionally(
        failure -> {
          Throwable cause =
              failure instanceof CompletionException && failure.getCause() != null
                  ? failure.getCause()
                  : failure;
          throw new CompletionException(
              new IllegalStateException(
                  "node %d at %s did not confirm: %s"
                      .formatted(member.id().value(), member.address(), cause.getMessage()),
                  cause));
        });
  }

  /** The largest of the answers. */
  private static CompletableFuture<Long> all(List<CompletableFuture<Long>> calls) {
    return CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new))
        .thenApply(unused -> calls.stream().mapToLong(CompletableFuture::join).max().orElseThrow());
  }
}
