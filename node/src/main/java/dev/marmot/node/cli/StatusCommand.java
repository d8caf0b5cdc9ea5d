package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.StatusReply;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot status}. Confined to the main thread. */
@Command(
    description = "Shows a node: its position, every raft log, what is pending.",
    mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(names = "--json", description = "For scripts: the fields of GET /api/v1/status.")
  private boolean json;

  StatusCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try (PaneClient client = pane.open(environment)) {
      StatusReply status = client.status();
      environment.out().println(json ? ProtoJson.pretty(status) : StatusTable.render(status));
      return ExitCode.OK.number();
    }
  }
}
