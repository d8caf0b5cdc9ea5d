package dev.marmot.raft.ratis;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** Reports the first fatal failure of a node, unless the node is being closed. Thread-safe. */
final class FailureSignal {
  private final Consumer<Throwable> onFailure;
  private final AtomicBoolean silent = new AtomicBoolean();

  FailureSignal(Consumer<Throwable> onFailure) {
    this.onFailure = onFailure;
  }

  void report(Throwable failure) {
    if (silent.compareAndSet(false, true)) {
      onFailure.accept(failure);
    }
  }

  /** Whether the node is being closed, or has failed and will be. */
  boolean over() {
    return silent.get();
  }

  /** What happens from now on is part of closing. */
  void silence() {
    silent.set(true);
  }
}
