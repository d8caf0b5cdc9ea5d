package dev.marmot.node.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code marmot cleanup}. Confined to the main thread. */
@Command(
    description =
        "Removes every trace of Marmot from a SQLite file. The node must be stopped; what is still"
            + " pending is not replicated.",
    mixinStandardHelpOptions = true)
final class CleanupCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private DatabaseOption database = new DatabaseOption();

  CleanupCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    return cleanup(environment, database.file());
  }

  static int cleanup(Environment environment, Path database) {
    environment.cleanup().accept(database);
    environment.out().println("cleaned " + database);
    return ExitCode.OK.number();
  }
}
