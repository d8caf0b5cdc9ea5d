package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.proto.v1.RemoveReply;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot remove}. Confined to the main thread. */
@Command(
    description =
        "Takes a node out of the cluster for ever, up or not; its number is never used again. Ask"
            + " another member than that.",
    mixinStandardHelpOptions = true)
final class RemoveCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(names = "--node", paramLabel = "N", required = true, description = "Which one.")
  private String node = "";

  @Option(
      names = "--force",
      description = "Also when too few of those that remain are up to decide anything.")
  private boolean force;

  RemoveCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    int which = Numbers.node("node", node);
    try (PaneClient client = pane.open(environment)) {
      RemoveReply reply = client.remove(which, force);
      String lost = "; it did not answer before: what it had not sent is only in its file";
      environment
          .out()
          .println(
              "n" + reply.getNode() + " is no member any more" + (reply.getFlushed() ? "" : lost));
      return ExitCode.OK.number();
    }
  }
}
