package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code marmot cleanup}. Confined to the main thread. */
@Command(
    description =
        "Removes every trace of Marmot from a SQLite file. The node must be stopped; what is still"
            + " pending is not replicated.",
    mixinStandardHelpOptions = true)
final class CleanupCommand implements Callable<Integer> {
  private final Environment environment;

  @Option(names = "--db-path", required = true, paramLabel = "FILE", description = "The file.")
  private String database = "";

  CleanupCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    return cleanup(environment, database);
  }

  static int cleanup(Environment environment, String database) {
    if (database.isEmpty() || !Files.isRegularFile(Path.of(database))) {
      throw new ControlException(
          Kind.INVALID,
          "db-path: must be an existing SQLite file (got "
              + (database.isEmpty() ? "nothing" : database)
              + ")");
    }
    environment.cleanup().accept(Path.of(database).toAbsolutePath().normalize());
    environment.out().println("cleaned " + database);
    return ExitCode.OK.number();
  }
}
