package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.Durations;
import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.TableDifference;
import dev.marmot.proto.v1.VerifiedNode;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyReport;
import dev.marmot.proto.v1.VerifyRequest;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot verify}. Confined to the main thread. */
@Command(
    description =
        "Compares the files of all nodes at one position of the order log, row by row, while writes"
            + " go on. Exit code 0: all nodes answered and are equal; 5: nodes differ; 3: those"
            + " that answered are equal, but not all did.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class VerifyCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(names = "--json", description = "For scripts: one JSON object.")
  private boolean json;

  @Option(
      names = "--repair",
      description =
          "Have the rows of the majority replace those that differ, by replicating them again; what"
              + " is replaced goes to the conflict log. Then compare again.")
  private boolean repair;

  @Option(
      names = "--wait",
      paramLabel = "TIME",
      defaultValue = "30s",
      description =
          "For how long a node may be behind before it counts as absent; default"
              + " ${DEFAULT-VALUE}.")
  private String wait = "";

  VerifyCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    VerifyRequest request =
        VerifyRequest.newBuilder().setWaitMillis(waitMillis()).setRepair(repair).build();
    try (PaneClient client = pane.open(environment)) {
      VerifyReply reply = client.verify(request);
      environment.out().println(json ? ProtoJson.pretty(reply) : text(reply));
      return exitCode(reply.getReport()).number();
    }
  }

  private static ExitCode exitCode(VerifyReport report) {
    if (report.getDifferencesCount() > 0) {
      return ExitCode.FINDINGS;
    }
    return report.getEqual() ? ExitCode.OK : ExitCode.UNAVAILABLE;
  }

  private String text(VerifyReply reply) {
    StringBuilder text = new StringBuilder();
    if (reply.hasBeforeRepair()) {
      append(reply.getBeforeRepair(), text);
      text.append(reply.getResent()).append(" rows of the majority were sent again\n");
    }
    append(reply.getReport(), text);
    if (repair && reply.getReport().getDifferencesCount() > 0) {
      text.append(
          "not repaired: a table is missing, there is no majority, or not all nodes answered\n");
    }
    return text.toString().stripTrailing();
  }

  private static void append(VerifyReport report, StringBuilder text) {
    long answered = report.getNodesList().stream().filter(VerifiedNode::getAnswered).count();
    text.append(report.getDifferencesCount() > 0 ? "DIFFERENT" : equal(report))
        .append(" at position %d: ".formatted(report.getPosition()))
        .append("%d of %d nodes answered".formatted(answered, report.getNodesCount()))
        .append(", %d tables, %,d rows".formatted(report.getTables(), report.getRows()))
        .append(", %,d rows left out".formatted(report.getLeftOut()))
        .append(", %d ms%n".formatted(report.getTookMillis()));
    for (VerifiedNode node : report.getNodesList()) {
      if (!node.getAnswered()) {
        text.append("node %d at %s: ".formatted(node.getNode(), node.getAddress()))
            .append(RowText.printable(node.getError()))
            .append('\n');
      }
    }
    if (report.getDifferencesCount() > 0) {
      TextTable table = new TextTable();
      table.row("TABLE", "NODES", "DIFFER FROM", "KEY RANGES OF 256");
      for (TableDifference difference : report.getDifferencesList()) {
        table.row(
            RowText.printable(difference.getTable())
                + (difference.getMissingCount() > 0
                    ? " (missing on " + list(difference.getMissingList()) + ")"
                    : ""),
            list(difference.getDifferingList()),
            difference.getMajorityCount() > 0
                ? list(difference.getMajorityList())
                : "each other; no majority",
            ranges(difference.getRangesList()));
      }
      table.appendTo(text);
    }
  }

  /** Never just equal while a node has not answered. */
  private static String equal(VerifyReport report) {
    return report.getEqual() ? "equal" : "equal as far as nodes answered";
  }

  private static String ranges(List<Integer> ranges) {
    return ranges.size() > 8
        ? ranges.size() + " of them"
        : ranges.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private static String list(List<Integer> nodes) {
    return nodes.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private long waitMillis() {
    try {
      return Durations.parse(wait).toMillis();
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Kind.INVALID, "wait: " + e.getMessage() + " (got " + wait + ")", e);
    }
  }
}
