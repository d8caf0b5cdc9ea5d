package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.proto.v1.RetryReply;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code marmot retry}. Confined to the main thread. */
@Command(
    description =
        "Tries again to store the rows that this node holds. Exit code 1: some are still held.",
    mixinStandardHelpOptions = true)
final class RetryCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  RetryCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try (PaneClient client = pane.open(environment)) {
      RetryReply reply = client.retry();
      environment
          .out()
          .println(
              reply.getSettled()
                  + " rows are no longer held, "
                  + reply.getHeld()
                  + (reply.getHeld() == 0 ? " are" : " are; see marmot held"));
      return (reply.getHeld() == 0 ? ExitCode.OK : ExitCode.FAILED).number();
    }
  }
}
