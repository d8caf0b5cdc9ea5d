package dev.marmot.node.cli;

import dev.marmot.node.demo.WarmUp;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code marmot warm-up}: for the launcher, when it makes the class archive. Confined. */
@Command(description = "Loads what a node needs, then ends.", hidden = true)
final class WarmUpCommand implements Callable<Integer> {
  private final Environment environment;

  WarmUpCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws Exception {
    new WarmUp(environment.launcher()).run();
    return ExitCode.OK.number();
  }
}
