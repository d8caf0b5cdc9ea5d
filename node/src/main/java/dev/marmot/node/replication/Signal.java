package dev.marmot.node.replication;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Wakes a thread; a signal that comes while it is busy is kept until it waits. Thread-safe. */
final class Signal {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition raised = lock.newCondition();

  @GuardedBy("lock")
  private boolean pending;

  void raise() {
    lock.lock();
    try {
      pending = true;
      raised.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the signal is raised or the time is over, and lowers it. */
  void await(long millis) throws InterruptedException {
    lock.lock();
    try {
      long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
      while (!pending && nanos > 0) {
        nanos = raised.awaitNanos(nanos);
      }
      pending = false;
    } finally {
      lock.unlock();
    }
  }
}
