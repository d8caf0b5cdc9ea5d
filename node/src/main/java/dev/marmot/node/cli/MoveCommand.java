package dev.marmot.node.cli;

import dev.marmot.node.control.PaneClient;
import dev.marmot.proto.v1.MoveReply;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot move}. Confined to the main thread. */
@Command(
    description =
        "Hands leadership of shards to a node. It stays there until that node fails, or `marmot"
            + " rebalance`.",
    mixinStandardHelpOptions = true)
final class MoveCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--shard",
      paramLabel = "S",
      required = true,
      description = "Shards, as in 1-3,7; 0 or order is the order log. May be repeated.")
  private List<String> shards = List.of();

  @Option(names = "--to", paramLabel = "NODE", required = true, description = "The new leader.")
  private String to = "";

  MoveCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    List<Integer> which = Numbers.shardList(String.join(",", shards));
    int target = Numbers.node("to", to);
    try (PaneClient client = pane.open(environment)) {
      MoveReply reply = client.move(which, target);
      String names =
          reply.getShardsList().stream()
              .map(shard -> shard == 0 ? "the order log" : "shard " + shard)
              .collect(Collectors.joining(", "));
      environment.out().println("n" + reply.getTo() + " leads " + names);
      return ExitCode.OK.number();
    }
  }
}
