package dev.marmot.raft.ratis;

import java.util.concurrent.ScheduledThreadPoolExecutor;

/** The thread of one job, or of time limits. Stateless. */
final class RaftThread {
  private RaftThread() {}

  /**
   * A single thread, which keeps no process alive and which the caller closes. What is cancelled is
   * forgotten at once: most time limits never run out.
   */
  static ScheduledThreadPoolExecutor open(String name) {
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    executor.setRemoveOnCancelPolicy(true);
    return executor;
  }
}
