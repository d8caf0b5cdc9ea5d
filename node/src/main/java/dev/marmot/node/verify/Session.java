package dev.marmot.node.verify;

import dev.marmot.sqlite.store.Reading;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One comparison on this node: its reading, once the fence was passed. Thread-safe. */
final class Session {
  private static final Logger log = LoggerFactory.getLogger(Session.class);

  private final CompletableFuture<Reading> reading = new CompletableFuture<>();
  private final ExecutorService thread;
  private final long startedNanos = System.nanoTime();
  private volatile long usedNanos = startedNanos;

  /**
   * @param thread the one that uses and closes the reading
   */
  Session(ExecutorService thread) {
    this.thread = thread;
  }

  /** Takes the reading over, to close it. */
  void opened(Reading opened) {
    usedNanos = System.nanoTime();
    if (!reading.complete(opened)) {
      opened.close(); // given up meanwhile
    }
  }

  void failed(RuntimeException failure) {
    reading.completeExceptionally(failure);
  }

  /** Asks the reading on the thread, once it is there. */
  <T> CompletionStage<T> ask(Function<Reading, T> question) {
    usedNanos = System.nanoTime();
    return reading.thenApplyAsync(
        opened -> {
          try {
            return question.apply(opened);
          } finally {
            usedNanos = System.nanoTime();
          }
        },
        thread);
  }

  /** For how long nobody has asked, and for how long it has been there. */
  boolean isOlder(long idleNanos, long mostNanos) {
    long now = System.nanoTime();
    return now - usedNanos > idleNanos || now - startedNanos > mostNanos;
  }

  /** Closes the reading behind what is being asked; fails who waits for it. */
  void close() {
    reading.completeExceptionally(
        new IllegalStateException(
            "cannot compare: this node has given the comparison up; verify again"));
    var unused = reading.thenAcceptAsync(Session::close, thread);
  }

  private static void close(Reading opened) {
    try {
      opened.close();
    } catch (RuntimeException e) {
      log.atWarn().setCause(e).log("reading not closed");
    }
  }
}
