package dev.marmot.node.demo;

import dev.marmot.node.NodeLauncher;
import dev.marmot.node.RunningNode;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.config.NodeConfigLoader;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.PaneServer;
import dev.marmot.sqlite.sample.SampleShop;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Two nodes in this process that replicate one order: what a node does at its start, so that the
 * Java machine can archive the classes that this loads and later starts take half the time.
 * Confined to the main thread.
 */
public final class WarmUp {
  private static final int NODES = 2;
  private static final Duration AT_MOST = Duration.ofSeconds(15);

  private final NodeLauncher launcher;

  public WarmUp(NodeLauncher launcher) {
    this.launcher = launcher;
  }

  /** Does it, and leaves no file behind. */
  public void run() throws IOException {
    DemoLayout layout = DemoLayout.create(Optional.empty());
    Deque<RunningNode> nodes = new ArrayDeque<>();
    try {
      DemoPorts ports = DemoPorts.choose(NODES);
      for (int id = 1; id <= NODES; id++) {
        Files.createDirectories(layout.nodeDirectory(id));
        SampleShop.create(layout.database(id));
        nodes.push(launcher.start(config(layout, ports, id), what -> {}));
      }
      replicate(layout, config(layout, ports, NODES), nodes.element());
    } finally {
      nodes.forEach(RunningNode::close);
      layout.deleteIfTemporary();
    }
  }

  private static NodeConfig config(DemoLayout layout, DemoPorts ports, int id) {
    return NodeConfigLoader.load(
        Map.of(
            "node-id", String.valueOf(id),
            "db-path", layout.database(id).toString(),
            "raft-path", layout.nodeDirectory(id).resolve("raft").toString(),
            "bind", ports.raft(id).toString(),
            "bind-pane", ports.pane(id).toString(),
            "bootstrap", ports.bootstrap(),
            "cluster", "warm-up"),
        Map.of());
  }

  private static void replicate(DemoLayout layout, NodeConfig config, RunningNode node)
      throws IOException {
    try (PaneServer pane = PaneServer.open("warm-up", config.pane(), node.control());
        PaneClient client = PaneClient.open(config.pane().bind(), AuthKey.NONE);
        SampleShop shop = SampleShop.open(layout.database(NODES))) {
      long deadline = System.nanoTime() + AT_MOST.toNanos();
      while (!client.status().getReady()) {
        if (System.nanoTime() > deadline) {
          throw new ControlException(
              Kind.TIMEOUT,
              "cannot warm up on port "
                  + pane.port()
                  + ": not ready within "
                  + AT_MOST.toSeconds()
                  + " s; the start stays slower, nothing else");
        }
        LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
      }
      shop.placeOrder("warm-up", 1, List.of(1, 2));
      var unused = client.barrier(AT_MOST);
    }
  }
}
