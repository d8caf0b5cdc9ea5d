package dev.marmot.node.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * How a command of {@code marmot} ended. Immutable.
 *
 * @param text what it wrote to both outputs
 */
record Run(int exitCode, String text) {
  /** Runs a command to its end. */
  static Run marmot(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(NodeProcess.marmot());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), text.strip());
  }

  /** The same of a command that asks a node. */
  static Run marmot(NodeProcess node, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(arguments));
    command.add("--pane=127.0.0.1:" + node.panePort());
    return marmot(command);
  }
}
