package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.sqlite.snapshot.SnapshotFile;
import dev.marmot.sqlite.snapshot.SnapshotInfo;
import java.nio.file.Path;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code marmot snapshot}. Confined to the main thread. */
@Command(
    description = "Saves, examines and restores backups.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true)
final class SnapshotCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private SnapshotCommand() {}

  static CommandLine line(Environment environment) {
    return new CommandLine(new SnapshotCommand())
        .addSubcommand("save", new Save(environment))
        .addSubcommand("inspect", new Inspect(environment))
        .addSubcommand("restore", new Restore(environment));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "save, inspect or restore is missing");
  }

  private static String described(SnapshotInfo info) {
    return "position %d, %d tables%s"
        .formatted(info.position(), info.tables().size(), held(info.heldRows()));
  }

  private static String held(long rows) {
    return rows == 0 ? "" : ", without %d rows that the node could not store".formatted(rows);
  }

  /** {@code marmot snapshot save}. */
  @Command(
      description =
          "Has a running node save all its tables, as they are at one position, in an ordinary"
              + " SQLite file on the node's machine. Writes go on meanwhile.",
      mixinStandardHelpOptions = true,
      sortOptions = false)
  private static final class Save implements Callable<Integer> {
    private final Environment environment;

    @Mixin private PaneOptions pane = new PaneOptions();

    @Parameters(
        paramLabel = "FILE",
        description = "On the node's machine; a relative path begins in this directory.")
    private String file = "";

    @Option(names = "--replace", description = "Replace FILE when it is a saved snapshot.")
    private boolean replace;

    @Option(names = "--json", description = "For scripts: one JSON object.")
    private boolean json;

    private Save(Environment environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() {
      SaveSnapshotRequest request =
          SaveSnapshotRequest.newBuilder()
              .setFile(Path.of(file).toAbsolutePath().normalize().toString())
              .setReplace(replace)
              .build();
      try (PaneClient client = pane.open(environment)) {
        SaveSnapshotReply reply = client.saveSnapshot(request);
        environment
            .out()
            .println(
                json
                    ? ProtoJson.line(reply)
                    : "saved %s: position %d, %d tables%s, %,d bytes in %d ms"
                        .formatted(
                            reply.getFile(),
                            reply.getPositionIndex(),
                            reply.getTables(),
                            held(reply.getHeldRows()),
                            reply.getBytes(),
                            reply.getTookMillis()));
        return ExitCode.OK.number();
      }
    }
  }

  /** {@code marmot snapshot inspect}. */
  @Command(
      description =
          "Tells what a saved snapshot is, after checking that it is whole and that its rows are"
              + " those that were saved. Asks no node.",
      mixinStandardHelpOptions = true)
  private static final class Inspect implements Callable<Integer> {
    private final Environment environment;

    @Parameters(paramLabel = "FILE", description = "The saved snapshot.")
    private String file = "";

    private Inspect(Environment environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() {
      SnapshotInfo info = SnapshotFile.inspect(Path.of(file));
      StringBuilder text =
          new StringBuilder("sound: ")
              .append(described(info))
              .append(", saved ")
              .append(info.time());
      text.append(" by version ").append(info.version());
      text.append(" in cluster ").append(info.cluster()).append('\n');
      TextTable tables = new TextTable();
      new TreeMap<>(info.tables())
          .forEach((name, hash) -> tables.row("  " + RowText.printable(name), hash));
      tables.appendTo(text);
      environment.out().println(text.toString().stripTrailing());
      return ExitCode.OK.number();
    }
  }

  /** {@code marmot snapshot restore}. */
  @Command(
      description =
          "Makes a database of a saved snapshot, from which the application, and a new cluster, may"
              + " start. Asks no node, and replaces nothing.",
      mixinStandardHelpOptions = true)
  private static final class Restore implements Callable<Integer> {
    private final Environment environment;

    @Parameters(index = "0", paramLabel = "FILE", description = "The saved snapshot.")
    private String file = "";

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "DB",
        description = "The database to make; there must be no such file yet.")
    private @Nullable String word;

    @Option(
        names = {"--to", "--db-path"},
        paramLabel = "DB",
        description = "The same.")
    private @Nullable String option;

    private Restore(Environment environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() {
      String target =
          DatabaseOption.one("to", Optional.ofNullable(option), Optional.ofNullable(word))
              .orElseThrow(
                  () ->
                      new ControlException(
                          Kind.INVALID, "to: must be the database to make (got nothing)"));
      SnapshotInfo info = SnapshotFile.restore(Path.of(file), Path.of(target));
      environment.out().println("restored " + target + ": " + described(info));
      return ExitCode.OK.number();
    }
  }
}
