package dev.marmot.node.cli;

import dev.marmot.node.Node;
import dev.marmot.node.Version;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The entry of the command line. Confined to the main thread. */
@Command(
    name = "marmot",
    description = "Keeps SQLite files on several servers in step.",
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = Main.ManifestVersion.class,
    mixinStandardHelpOptions = true,
    sortOptions = false,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:failed",
      "2:wrong usage: nothing was tried",
      "3:the node is not there, not ready or too slow: safe to repeat",
      "4:outcome unknown: the node did not confirm it, so it may have been done or not; look, then"
          + " repeat it",
      "5:doctor: something keeps the file or a table from replicating;" + " verify: nodes differ",
      "6:run: this node was removed from the cluster and cannot come back",
      "130, 143:run and demo: ended by SIGINT, SIGTERM, after a clean close"
    })
public final class Main implements Runnable {
  /** Read by logback.xml, so it must be set before the first logger exists. */
  static final String LOG_LEVEL = "marmot.log.level";

  private static final String JSON = "--json";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      arity = "0..1",
      fallbackValue = "true",
      description = "Log what is done, at level DEBUG; show the trace of a failure.")
  private boolean verbose;

  @Option(
      names = "--pane",
      paramLabel = "HOST:PORT",
      description = "The control pane that a command asks, also given behind the command.")
  private @Nullable String pane;

  private Main() {}

  @Nullable String pane() {
    return pane;
  }

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    // gRPC logs through java.util.logging: everything goes where our own log goes.
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    Charset charset = Charset.defaultCharset();
    Environment environment =
        new Environment(
            new PrintWriter(System.out, true, charset),
            new PrintWriter(System.err, true, charset),
            System.getenv(),
            Node::start,
            Node::cleanup);
    System.exit(run(environment, args));
  }

  static int run(Environment environment, String... args) {
    Set<String> flags = RunCommand.flags(RunCommand.spec(environment));
    return new Main().commandLine(environment).execute(Arguments.normalize(flags, args));
  }

  private CommandLine commandLine(Environment environment) {
    CommandLine line = new CommandLine(this);
    line.addSubcommand("run", RunCommand.spec(environment));
    line.addSubcommand("status", new StatusCommand(environment));
    line.addSubcommand("barrier", new BarrierCommand(environment));
    line.addSubcommand("conflicts", new ConflictsCommand(environment));
    line.addSubcommand("held", new HeldCommand(environment));
    line.addSubcommand("retry", new RetryCommand(environment));
    line.addSubcommand("shards", new ShardsCommand(environment));
    line.addSubcommand("move", new MoveCommand(environment));
    line.addSubcommand("drain", new DrainCommand(environment));
    line.addSubcommand("rebalance", new RebalanceCommand(environment));
    line.addSubcommand("join", new JoinCommand(environment));
    line.addSubcommand("remove", new RemoveCommand(environment));
    line.addSubcommand("recover", new RecoverCommand(environment));
    line.addSubcommand("verify", new VerifyCommand(environment));
    line.addSubcommand("snapshot", SnapshotCommand.line(environment));
    line.addSubcommand("doctor", new DoctorCommand(environment));
    line.addSubcommand("cleanup", new CleanupCommand(environment));
    line.addSubcommand("demo", new DemoCommand(environment));
    line.addSubcommand("warm-up", new WarmUpCommand(environment));
    line.addSubcommand("help", new CommandLine.HelpCommand());
    line.setOut(environment.out());
    line.setErr(environment.err());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(Main::wrongUsage);
    line.setExecutionExceptionHandler(this::failed);
    line.setExecutionStrategy(this::execute);
    return line;
  }

  private int execute(ParseResult parsed) {
    if (verbose) {
      System.setProperty(LOG_LEVEL, "DEBUG");
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private static int wrongUsage(ParameterException thrown, String[] args) {
    CommandLine line = thrown.getCommandLine();
    StringBuilder message = new StringBuilder(String.valueOf(thrown.getMessage()));
    if (thrown instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      message.append("; did you mean ").append(String.join(" or ", unmatched.getSuggestions()));
      message.append('?');
    }
    boolean json = Arguments.json(args) && line.getCommandSpec().findOption(JSON) != null;
    new Failure(ExitCode.USAGE, message.toString()).print(line.getErr(), json);
    if (!json) {
      line.getErr().println("Try: " + line.getCommandSpec().qualifiedName() + " --help");
    }
    return ExitCode.USAGE.number();
  }

  private int failed(Exception thrown, CommandLine line, ParseResult parsed) {
    boolean json =
        line.getCommandSpec().findOption(JSON) != null
            && Arguments.json(parsed.originalArgs().toArray(String[]::new));
    Failure failure = Failure.of(line.getCommandSpec().qualifiedName(), thrown);
    failure.print(line.getErr(), json);
    if (verbose) {
      thrown.printStackTrace(line.getErr());
    }
    return failure.code().number();
  }

  /** The version that {@code --version} prints. */
  static final class ManifestVersion implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "marmot " + Version.current() + " (Java " + Runtime.version().feature() + ")"
      };
    }
  }
}
