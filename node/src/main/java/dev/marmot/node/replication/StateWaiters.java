package dev.marmot.node.replication;

import dev.marmot.sqlite.ReplicaState;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Callers who wait until the applied state fulfils a condition. Thread-safe. */
final class StateWaiters {
  /** After this a caller is given up, so that nobody is remembered for ever. */
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final Supplier<ReplicaState> state;
  private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();

  StateWaiters(Supplier<ReplicaState> state) {
    this.state = state;
  }

  /** Completes with the first state that fulfils the condition, at once if it does already. */
  CompletableFuture<ReplicaState> when(Predicate<ReplicaState> condition) {
    Waiter waiter =
        new Waiter(
            condition,
            new CompletableFuture<ReplicaState>()
                .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
    waiters.add(waiter);
    check(waiter);
    return waiter.done();
  }

  /** Looks again, after an apply. Callers who gave up are forgotten. */
  void changed() {
    waiters.forEach(this::check);
  }

  private void check(Waiter waiter) {
    ReplicaState now = state.get();
    if (waiter.done().isDone()) {
      waiters.remove(waiter);
    } else if (waiter.condition().test(now)) {
      waiters.remove(waiter);
      waiter.done().complete(now);
    }
  }

  private record Waiter(Predicate<ReplicaState> condition, CompletableFuture<ReplicaState> done) {}
}
