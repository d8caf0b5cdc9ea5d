package dev.marmot.node.cli;

import dev.marmot.node.ForcedRecovery;
import dev.marmot.node.ForcedRecovery.Findings;
import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.ratis.ForcedCluster.Survived;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot recover}. Confined to the main thread. */
@Command(
    description =
        "When a majority of the nodes is lost for good: makes a cluster of one out of this stopped"
            + " node, which others then join. What only the lost nodes had is gone. Without --yes"
            + " it only tells what would be kept and what may be missing: exit code 0.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class RecoverCommand implements Callable<Integer> {
  private final Environment environment;

  @Option(
      names = "--force-new-cluster",
      required = true,
      description = "What to do; it is the only way of recovery that needs a command.")
  private boolean force;

  @Mixin private DatabaseOption database = new DatabaseOption();

  @Option(
      names = "--raft-path",
      paramLabel = "DIR",
      description = "Where its raft logs live, as for run; default: <db-path>-raft.")
  private @Nullable String raft;

  @Option(names = "--yes", description = "Do it.")
  private boolean yes;

  RecoverCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    Path file = database.file();
    PrintWriter out = environment.out();
    try (ForcedRecovery recovery = ForcedRecovery.open(directory(file), file)) {
      Findings findings = recovery.look();
      out.print(text(findings));
      if (!force || !yes) {
        out.println("Nothing was changed. To go on, repeat the command with --yes.");
        return ExitCode.OK.number();
      }
      String cluster = recovery.found(findings);
      out.println(
          "%s is the only member of cluster %s now. Start it as before; the others join it with"
                  .formatted(findings.self(), cluster)
              + " --join, without their old raft directories.");
      return ExitCode.OK.number();
    }
  }

  private Path directory(Path file) throws IOException {
    Path root = raft == null ? file.resolveSibling(file.getFileName() + "-raft") : Path.of(raft);
    List<Path> nodes = List.of();
    if (Files.isDirectory(root)) {
      try (Stream<Path> children = Files.list(root)) {
        nodes =
            children
                .filter(child -> String.valueOf(child.getFileName()).matches("node-\\d+"))
                .toList();
      }
    }
    if (nodes.size() > 1) {
      // A start that was killed early may have left a directory in which no node ever was.
      nodes = nodes.stream().filter(node -> Files.exists(node.resolve("identity"))).toList();
    }
    if (nodes.size() != 1) {
      throw new ControlException(
          Kind.INVALID,
          "raft-path: must hold the directory of one node, it has %d (got %s)"
              .formatted(nodes.size(), root));
    }
    return nodes.get(0).toAbsolutePath().normalize();
  }

  private static String text(Findings findings) {
    String others =
        findings.formerMembers().stream()
            .map(Member::id)
            .filter(id -> !id.equals(findings.self()))
            .sorted()
            .map(NodeId::toString)
            .collect(Collectors.joining(", "));
    StringBuilder text = new StringBuilder();
    text.append(
        "%s of cluster %s; the others were %s%n"
            .formatted(findings.self(), findings.cluster(), others.isEmpty() ? "none" : others));
    text.append(
            "its file stands at position %d of the order log; %d changes in it are not ordered"
                .formatted(findings.position(), findings.pending()))
        .append(" yet and will be\n");
    TextTable table = new TextTable();
    table.row("LOG", "LAST", "COMMITTED", "UNSURE");
    for (Survived log : findings.logs()) {
      boolean order = log.log().isOrderLog();
      long committed = order ? Math.max(log.committed(), findings.position()) : log.committed();
      table.row(
          order ? "order" : log.log().number() + "",
          log.last(),
          committed,
          Math.max(0, log.last() - committed));
    }
    table.appendTo(text);
    text.append("UNSURE entries are in its logs, but it does not know whether they were committed:")
        .append(" they are kept, and will be.\n");
    if (findings.givenUp() > 0) {
      text.append(
          ("GIVEN UP: the order log is cut behind %d. %d change sets behind that are in it, but"
                  + " rows of the first of them never came here.%n")
              .formatted(findings.kept(), findings.givenUp()));
    }
    text.append("GONE: whatever only ")
        .append(others.isEmpty() ? "lost nodes" : others)
        .append(" had, committed or not. This node cannot know how much that is.\n");
    return text.toString();
  }
}
