package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.proto.v1.JoinClusterReply;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot join}. Confined to the main thread. */
@Command(
    description =
        "Tells a node that waits (run --follow) which cluster to join. It remembers that; `marmot"
            + " status` says when it has joined.",
    mixinStandardHelpOptions = true)
final class JoinCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--to",
      paramLabel = "HOST:PORT",
      required = true,
      description = "The raft address of any member of the cluster.")
  private String to = "";

  JoinCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try (PaneClient client = pane.open(environment)) {
      JoinClusterReply reply = client.join(to);
      environment.out().println("n" + reply.getNode() + " joins cluster " + reply.getCluster());
      return ExitCode.OK.number();
    }
  }
}
