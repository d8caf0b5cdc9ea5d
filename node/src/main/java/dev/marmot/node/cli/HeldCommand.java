package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.HeldReply;
import dev.marmot.proto.v1.HeldRow;
import dev.marmot.proto.v1.NotSentRow;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot held}. Confined to the main thread. */
@Command(
    description =
        "Lists the rows of other nodes that this node cannot store, with the reason. They are tried"
            + " again after each schema change, at a restart, and by marmot retry; /readyz lists"
            + " them among its warnings and stays 200. Exit code 0 also when there are some.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class HeldCommand implements Callable<Integer> {
  private static final int PAGE = 1_000;
  private static final int SHOWN = 100;

  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--json",
      description = "For scripts: all of them, one JSON object a line, as in GET /api/v1/held.")
  private boolean json;

  HeldCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try (PaneClient client = pane.open(environment)) {
      if (json) {
        printAll(client);
      } else {
        environment.out().println(table(client.held(0, SHOWN)));
      }
      return ExitCode.OK.number();
    }
  }

  private void printAll(PaneClient client) {
    HeldReply first = client.held(0, PAGE);
    first.getNotSentList().forEach(row -> environment.out().println(ProtoJson.line(row)));
    List<HeldRow> page = first.getRowsList();
    while (!page.isEmpty()) {
      page.forEach(row -> environment.out().println(ProtoJson.line(row)));
      page = client.held(page.get(page.size() - 1).getId(), PAGE).getRowsList();
    }
  }

  private static String table(HeldReply held) {
    StringBuilder text = new StringBuilder();
    if (held.getRowsCount() == 0) {
      text.append("no rows are held\n");
    } else {
      heldRows(held, text);
    }
    if (held.getNotSentCount() > 0) {
      notSent(held, text);
    }
    return text.toString().stripTrailing();
  }

  private static void notSent(HeldReply held, StringBuilder text) {
    text.append(
        "\n%d rows of this node are larger than max-row-bytes and are not sent\n"
            .formatted(held.getNotSentTotal()));
    TextTable table = new TextTable().row("SINCE", "TABLE", "KEY", "BYTES");
    for (NotSentRow row : held.getNotSentList()) {
      table.row(
          RowText.time(row.getSinceMillis()),
          RowText.printable(row.getTable()),
          RowText.of(row.getKeyList()),
          "%,d".formatted(row.getBytes()));
    }
    table.appendTo(text);
  }

  private static void heldRows(HeldReply held, StringBuilder text) {
    TextTable table = new TextTable().row("SINCE", "TABLE", "KEY", "FROM", "REASON", "VALUES");
    for (HeldRow row : held.getRowsList()) {
      table.row(
          RowText.time(row.getSinceMillis()),
          RowText.printable(row.getTable()),
          RowText.of(row.getKeyList()),
          RowText.node(row.getOrigin()),
          RowText.printable(row.getReason()),
          RowText.of(row.getValuesList()));
    }
    table.appendTo(text);
    if (held.getTotal() > held.getRowsCount()) {
      text.append("and ")
          .append(held.getTotal() - held.getRowsCount())
          .append(" more; --json lists all\n");
    }
  }
}
