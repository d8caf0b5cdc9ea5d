package dev.marmot.node.peer;

import dev.marmot.raft.NodeId;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** The thread of one job that asks the other nodes again and again. Stateless. */
final class PeerTimer {
  private PeerTimer() {}

  /** A single thread, which keeps no process alive and which the caller closes. */
  static ScheduledExecutorService open(NodeId self, String job) {
    return Executors.newSingleThreadScheduledExecutor(
        task -> {
          Thread thread = new Thread(task, self + "-" + job);
          thread.setDaemon(true);
          return thread;
        });
  }
}
