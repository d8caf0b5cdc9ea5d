package dev.marmot.node.cli;

import dev.marmot.node.config.Address;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import picocli.CommandLine.Option;

/** How a command finds the node that it asks. Confined to the main thread. */
final class PaneOptions {
  @Option(
      names = "--pane",
      paramLabel = "HOST:PORT",
      defaultValue = "localhost:6010",
      description =
          "The node's control pane; default ${DEFAULT-VALUE}. AUTH_KEY is taken from the"
              + " environment.")
  private String pane = "";

  PaneClient open(Environment environment) {
    try {
      return PaneClient.open(Address.parse(pane), environment.authKey());
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Kind.INVALID, "pane: " + e.getMessage() + " (got " + pane + ")", e);
    }
  }
}
