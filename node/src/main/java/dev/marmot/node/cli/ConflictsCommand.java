package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.ConflictEntry;
import dev.marmot.proto.v1.ConflictsReply;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot conflicts}. Confined to the main thread. */
@Command(
    description =
        "Lists row images that lost against a concurrent write, as this node learnt of them. Every"
            + " node tells the same position, reason, nodes and image, within seconds; ids, times"
            + " and their order are its own. Exit code 0 also when there is none.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ConflictsCommand implements Callable<Integer> {
  private static final int PAGE = 1_000;
  private static final long FOLLOW_MILLIS = 500;

  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--json",
      description = "For scripts: one JSON object a line, as in GET /api/v1/conflicts.")
  private boolean json;

  @Option(
      names = "--follow",
      description =
          "Then print new ones as they come, until interrupted; exit code 3 when the node is gone.")
  private boolean follow;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "100",
      description = "At most the newest N; 0: all that are kept; default ${DEFAULT-VALUE}.")
  private long limit;

  ConflictsCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (limit < 0) {
      throw new ControlException(Kind.INVALID, "limit: must not be negative (got " + limit + ")");
    }
    try (PaneClient client = pane.open(environment)) {
      ConflictsReply ends = client.conflicts(0, 1);
      long last = limit == 0 ? 0 : Math.max(0, ends.getNewestId() - limit);
      boolean header = !json;
      while (true) {
        List<ConflictEntry> page = client.conflicts(last, PAGE).getConflictsList();
        if (!page.isEmpty()) {
          print(page, header);
          header = false;
          last = page.get(page.size() - 1).getId();
        } else if (!follow) {
          return ExitCode.OK.number();
        } else {
          TimeUnit.MILLISECONDS.sleep(FOLLOW_MILLIS);
        }
        if (environment.out().checkError()) {
          return ExitCode.OK.number(); // whoever read has enough
        }
      }
    }
  }

  private void print(List<ConflictEntry> page, boolean header) {
    if (json) {
      page.forEach(entry -> environment.out().println(ProtoJson.line(entry)));
      return;
    }
    TextTable table = new TextTable();
    if (header) {
      table.row("ID", "TIME", "TABLE", "KEY", "REASON", "LOST", "WON", "POSITION", "LOST VALUES");
    }
    for (ConflictEntry entry : page) {
      table.row(
          entry.getId(),
          RowText.time(entry.getTimeMillis()),
          RowText.printable(entry.getTable()),
          RowText.of(entry.getKeyList()),
          entry.getReason(),
          RowText.node(entry.getLosingOrigin()),
          RowText.node(entry.getWinningOrigin()),
          entry.getPosition(),
          RowText.of(entry.getLosingList()));
    }
    StringBuilder text = new StringBuilder();
    table.appendTo(text);
    environment.out().print(text);
    environment.out().flush();
  }
}
