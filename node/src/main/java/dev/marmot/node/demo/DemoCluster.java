package dev.marmot.node.demo;

import dev.marmot.node.config.Address;
import dev.marmot.node.control.ControlException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/** The three processes. Started by one thread; may be closed by another. */
final class DemoCluster implements AutoCloseable {
  private static final Duration READY_WITHIN = Duration.ofSeconds(60);
  private static final Duration BARRIER = Duration.ofSeconds(30);

  private final DemoLayout layout;
  private final PrintWriter out;
  private final List<DemoNode> nodes = new CopyOnWriteArrayList<>();

  DemoCluster(DemoLayout layout, PrintWriter out) {
    this.layout = layout;
    this.out = out;
  }

  /** Starts all and waits until all are ready; returns how long that took. */
  Duration start(List<String> nodeCommand) throws IOException {
    DemoPorts ports = DemoPorts.choose(Demo.NODES);
    long begin = System.nanoTime();
    for (int id = 1; id <= Demo.NODES; id++) {
      nodes.add(DemoNode.start(layout, id, nodeCommand, ports));
    }
    for (DemoNode node : nodes) {
      awaitReady(node, begin + READY_WITHIN.toNanos());
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  private void awaitReady(DemoNode node, long deadline) throws IOException {
    String why = "it does not answer";
    while (node.process().isAlive() && System.nanoTime() < deadline) {
      try {
        if (node.client().status().getReady()) {
          return;
        }
        why = "it answers and is not ready";
      } catch (ControlException e) {
        why = String.valueOf(e.getMessage());
      }
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
    node.logTail().forEach(line -> out.println("  n" + node.id() + " | " + line));
    throw new IllegalStateException(
        "cannot show anything: node n"
            + node.id()
            + (node.process().isAlive()
                ? " is not ready within " + READY_WITHIN.toSeconds() + " s: " + why
                : " ended with exit code " + node.process().exitValue())
            + "; its log is above");
  }

  /** Everything written so far is in every file when this returns. */
  void barriers() {
    nodes.forEach(
        node -> {
          var unused = node.client().barrier(BARRIER);
        });
  }

  List<Address> panes() {
    return nodes.stream().map(DemoNode::pane).toList();
  }

  /** Stops the processes; all are told before the first is waited for. */
  @Override
  public void close() {
    List<DemoNode> started = new ArrayList<>(nodes);
    started.forEach(node -> node.process().destroy());
    started.forEach(DemoNode::close);
  }
}
