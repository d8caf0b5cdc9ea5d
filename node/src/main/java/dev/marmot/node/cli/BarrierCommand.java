package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.Durations;
import dev.marmot.node.control.PaneClient;
import dev.marmot.proto.v1.BarrierReply;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot barrier}. Confined to the main thread. */
@Command(
    description =
        "Returns when everything committed anywhere before the call is visible in this node's file"
            + " and this node's own commits are on the others. Exit code 3: not in time.",
    mixinStandardHelpOptions = true)
final class BarrierCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "30s",
      description = "Such as 500ms, 30s, 2m; default ${DEFAULT-VALUE}.")
  private String timeout = "";

  BarrierCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Duration limit = limit();
    try (PaneClient client = pane.open(environment)) {
      BarrierReply reply = client.barrier(limit);
      environment
          .out()
          .println(
              "passed at position " + reply.getPosition() + " in " + reply.getTookMillis() + " ms");
      return ExitCode.OK.number();
    }
  }

  private Duration limit() {
    try {
      return Durations.parse(timeout);
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Kind.INVALID, "timeout: " + e.getMessage() + " (got " + timeout + ")", e);
    }
  }
}
