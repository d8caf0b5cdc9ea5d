package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot drain}. Confined to the main thread. */
@Command(
    description =
        "Moves all leaders off a node, before maintenance, and keeps them off until it starts again"
            + " or `marmot rebalance`.",
    mixinStandardHelpOptions = true)
final class DrainCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--node",
      paramLabel = "N",
      defaultValue = "",
      description = "Which one; default: the node that is asked.")
  private String node = "";

  DrainCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    int which = node.isEmpty() ? 0 : Numbers.node("node", node);
    try (PaneClient client = pane.open(environment)) {
      environment.out().println("n" + client.drain(which).getNode() + " leads nothing");
      return ExitCode.OK.number();
    }
  }
}
