package dev.marmot.node.demo;

import dev.marmot.sqlite.sample.SampleShop;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** The whole demonstration, from empty directory to clean-up. Confined to the main thread. */
public final class Demo {
  static final int NODES = 3;

  private final DemoOptions options;
  private final PrintWriter out;

  public Demo(DemoOptions options, PrintWriter out) {
    this.options = options;
    this.out = out;
  }

  /**
   * Shows it.
   *
   * @return whether the files were equal at the end
   * @throws IllegalStateException when a node did not become ready, with the end of its log
   */
  public boolean run() throws IOException, InterruptedException {
    DemoLayout layout = DemoLayout.create(options.directory());
    DemoCluster cluster = new DemoCluster(layout, out);
    CountDownLatch stopped = new CountDownLatch(1);
    Thread atExit = new Thread(() -> end(cluster, layout, stopped), "demo-shutdown");
    Runtime.getRuntime().addShutdownHook(atExit);
    try {
      return show(layout, cluster, stopped);
    } finally {
      end(cluster, layout, stopped);
    }
  }

  private boolean show(DemoLayout layout, DemoCluster cluster, CountDownLatch stopped)
      throws IOException, InterruptedException {
    out.println("Three nodes in " + layout.directory() + ", each with its own copy of a shop:");
    for (int node = 1; node <= NODES; node++) {
      Files.createDirectories(layout.nodeDirectory(node));
      SampleShop.create(layout.database(node));
      out.println("  n" + node + "  " + layout.database(node));
    }
    Duration ready = cluster.start(options.nodeCommand());
    out.println("All ready after " + ready.toMillis() + " ms.");
    out.println();
    out.println(
        "Each order is written with plain SQL into one node's file, and read from the others:");
    try (DemoWriters writers = new DemoWriters(layout, out)) {
      writers.placeOrders();
      cluster.barriers();
      boolean equal = writers.compare();
      if (!options.once()) {
        hints(layout, cluster);
        stopped.await();
      }
      return equal;
    }
  }

  private void hints(DemoLayout layout, DemoCluster cluster) {
    out.println();
    out.println("Try by hand, in another terminal:");
    out.println(
        "  sqlite3 "
            + layout.database(1)
            + " \"insert into products values(null, 'SKU-NEW', 'Mine', 9.5, 3)\"");
    out.println(
        "  sqlite3 " + layout.database(2) + " \"select * from products where sku = 'SKU-NEW'\"");
    cluster
        .panes()
        .forEach(pane -> out.println("  " + options.launcher() + " status --pane " + pane));
    out.println("The logs are in " + layout.log(1) + " and so on. Ctrl-C ends it.");
  }

  /** Runs at the end of the demonstration or at Ctrl-C, whichever comes first. */
  private void end(DemoCluster cluster, DemoLayout layout, CountDownLatch stopped) {
    synchronized (cluster) {
      if (stopped.getCount() == 0) {
        return;
      }
      cluster.close();
      try {
        layout.deleteIfTemporary();
        out.println(
            layout.temporary()
                ? "Stopped and removed."
                : "Stopped; " + layout.directory() + " stays.");
      } catch (IOException e) {
        out.println("cannot delete " + layout.directory() + ": " + e.getMessage());
      }
      stopped.countDown();
    }
  }
}
