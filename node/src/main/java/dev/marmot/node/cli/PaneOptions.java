package dev.marmot.node.cli;

import dev.marmot.node.config.Address;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How a command finds the node that it asks. Confined to the main thread. */
final class PaneOptions {
  private static final String DEFAULT = "localhost:6010";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--pane",
      paramLabel = "HOST:PORT",
      description =
          "The node's control pane; default "
              + DEFAULT
              + ". May also be given before the command. AUTH_KEY is taken from the environment.")
  private @Nullable String pane;

  PaneClient open(Environment environment) {
    String address = address();
    try {
      return PaneClient.open(Address.parse(address), environment.authKey());
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Kind.INVALID, "pane: " + e.getMessage() + " (got " + address + ")", e);
    }
  }

  private String address() {
    String before = ((Main) command.root().userObject()).pane();
    if (pane != null && before != null && !pane.equals(before)) {
      throw new ControlException(
          Kind.INVALID,
          "pane: is given twice, as %s and as %s; give one of them".formatted(before, pane));
    }
    return pane != null ? pane : before != null ? before : DEFAULT;
  }
}
