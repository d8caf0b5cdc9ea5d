package dev.marmot.node.cli;

import dev.marmot.node.Node;
import dev.marmot.node.Version;
import java.io.PrintWriter;
import java.nio.charset.Charset;
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
      "4:outcome unknown: it may have been done or not",
      "5:doctor: something keeps the file or a table from replicating;" + " verify: nodes differ",
      "6:run: this node was removed from the cluster and cannot come back",
      "130, 143:run and demo: ended by SIGINT, SIGTERM, after a clean close"
    })
public final class Main implements Runnable {
  /** Read by logback.xml, so it must be set before the first logger exists. */
  static final String LOG_LEVEL = "marmot.log.level";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      arity = "0..1",
      fallbackValue = "true",
      description = "Log more; show the trace of a failure.")
  private boolean verbose;

  private Main() {}

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
    return new Main().commandLine(environment).execute(Arguments.normalize(args));
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
    StringBuilder message = new StringBuilder("marmot: ").append(thrown.getMessage());
    if (thrown instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      message.append("; did you mean ").append(String.join(" or ", unmatched.getSuggestions()));
      message.append('?');
    }
    line.getErr().println(message);
    line.getErr().println("Try: " + line.getCommandSpec().qualifiedName() + " --help");
    return ExitCode.USAGE.number();
  }

  private int failed(Exception thrown, CommandLine line, ParseResult parsed) {
    String message = thrown.getMessage() == null ? thrown.toString() : thrown.getMessage();
    message.lines().forEach(text -> line.getErr().println("marmot: " + text));
    if (verbose) {
      thrown.printStackTrace(line.getErr());
    }
    return ExitCode.of(thrown).number();
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
