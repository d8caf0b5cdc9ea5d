package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code marmot rebalance}. Confined to the main thread. */
@Command(
    description =
        "Spreads leaders evenly over the nodes again; moves by hand and drained nodes count no more.",
    mixinStandardHelpOptions = true)
final class RebalanceCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  RebalanceCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try (PaneClient client = pane.open(environment)) {
      var unused = client.rebalance();
      environment.out().println("leaders are being spread; see marmot shards");
      return ExitCode.OK.number();
    }
  }
}
