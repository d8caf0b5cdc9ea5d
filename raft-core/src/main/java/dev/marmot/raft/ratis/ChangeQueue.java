package dev.marmot.raft.ratis;

import dev.marmot.raft.ChangeException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Makes changes of the cluster one at a time, on a thread of their own. Thread-safe. */
final class ChangeQueue {
  private final ExecutorService thread;

  /** A change; may block. */
  interface Change {
    void make() throws InterruptedException;
  }

  /**
   * @param thread a single one, which the caller closes
   */
  ChangeQueue(ExecutorService thread) {
    this.thread = thread;
  }

  /** Completes when the change is made. */
  CompletionStage<Void> run(Change change) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    try {
      thread.execute(() -> make(change, result));
    } catch (RejectedExecutionException e) {
      result.completeExceptionally(notNow(e));
    }
    return result;
  }

  private static void make(Change change, CompletableFuture<Void> result) {
    try {
      change.make();
      result.complete(null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      result.completeExceptionally(
          new ChangeException(
              ChangeException.Outcome.UNKNOWN,
              "this node is stopping; ask for it again, at another member",
              e));
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  /** The answer of a node that is not running. */
  static CompletableFuture<Void> notRunning() {
    return CompletableFuture.failedFuture(notNow(null));
  }

  private static ChangeException notNow(@Nullable Throwable cause) {
    String message = "this node is starting or stopping; try again";
    return cause == null
        ? new ChangeException(ChangeException.Outcome.NOT_NOW, message)
        : new ChangeException(ChangeException.Outcome.NOT_NOW, message, cause);
  }
}
