package dev.marmot.node.demo;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.AuthKey;
import dev.marmot.node.control.PaneClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One node of the demonstration: a process of its own. Thread-safe. */
final class DemoNode implements AutoCloseable {
  private static final int LOG_LINES_SHOWN = 15;

  private final int id;
  private final Path directory;
  private final Address pane;
  private final Process process;
  private final PaneClient client;

  private DemoNode(int id, Path directory, Address pane, Process process) {
    this.id = id;
    this.directory = directory;
    this.pane = pane;
    this.process = process;
    this.client = PaneClient.open(pane, AuthKey.NONE);
  }

  static DemoNode start(DemoLayout layout, int id, List<String> nodeCommand, DemoPorts ports)
      throws IOException {
    Path directory = layout.nodeDirectory(id);
    Address pane = ports.pane(id);
    List<String> command = new ArrayList<>(nodeCommand);
    command.addAll(
        List.of(
            "run",
            "--node-id=" + id,
            "--db-path=" + layout.database(id),
            "--raft-path=" + directory.resolve("raft"),
            "--bind=" + ports.raft(id),
            "--bind-pane=" + pane,
            "--bootstrap=" + ports.bootstrap(),
            "--cluster=demo"));
    ProcessBuilder builder = new ProcessBuilder(command);
    // The panes of the demonstration are on loopback; a key of the caller's cluster is not theirs.
    builder.environment().remove("AUTH_KEY");
    builder.redirectErrorStream(true).redirectOutput(layout.log(id).toFile());
    return new DemoNode(id, directory, pane, builder.start());
  }

  int id() {
    return id;
  }

  Address pane() {
    return pane;
  }

  PaneClient client() {
    return client;
  }

  Process process() {
    return process;
  }

  /** The end of what the node logged, to explain why it is not there. */
  List<String> logTail() throws IOException {
    List<String> lines = Files.readAllLines(directory.resolve(DemoLayout.LOG));
    return lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size());
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
