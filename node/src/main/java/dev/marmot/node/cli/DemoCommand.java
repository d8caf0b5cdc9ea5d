package dev.marmot.node.cli;

import dev.marmot.node.demo.Demo;
import dev.marmot.node.demo.DemoOptions;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code marmot demo}. Confined to the main thread. */
@Command(
    description =
        "Three nodes on this machine, with a small shop: watch rows written on one arrive at the"
            + " others. Ctrl-C ends it and cleans up.",
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
  private final Environment environment;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Work in this new or empty directory and keep it.")
  private @Nullable Path directory;

  @Option(
      names = "--once",
      description = "End by itself; exit code 0 only if the files were compared equal.")
  private boolean once;

  DemoCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws Exception {
    String launcher = environment.variables().getOrDefault("MARMOT_LAUNCHER", "scripts/marmot");
    DemoOptions options =
        new DemoOptions(Optional.ofNullable(directory), once, thisProgram(), launcher);
    boolean equal = new Demo(options, environment.out()).run();
    return (equal ? ExitCode.OK : ExitCode.FAILED).number();
  }

  /** The same Java, with the same options, on the same jar. */
  private static List<String> thisProgram() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-javaagent") && !argument.startsWith("-agentlib"))
        .forEach(command::add);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    return command;
  }
}
