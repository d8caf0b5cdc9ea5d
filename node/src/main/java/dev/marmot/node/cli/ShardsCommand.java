package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.control.PaneClient;
import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.SetShardsReply;
import dev.marmot.proto.v1.ShardsReply;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code marmot shards}. Confined to the main thread. */
@Command(
    description =
        "Shows who leads each shard, and how far it is. `marmot shards set N` changes how many get"
            + " new changes.",
    mixinStandardHelpOptions = true)
final class ShardsCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private PaneOptions pane = new PaneOptions();

  @Option(
      names = "--json",
      description =
          "For scripts: a list of the shards; the order log is in `marmot status --json`.")
  private boolean json;

  @Parameters(
      paramLabel = "set N",
      arity = "0..*",
      description = "The new number of shards, on all members, which must be up.")
  private List<String> words = List.of();

  ShardsCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    if (words.isEmpty()) {
      show();
    } else if (words.size() == 2 && words.get(0).equals("set") && !json) {
      set(Numbers.shards(words.get(1)));
    } else {
      throw new ControlException(
          Kind.INVALID,
          "cannot do `shards %s`: only `shards [--json]` and `shards set N` are known"
              .formatted(String.join(" ", words)));
    }
    return ExitCode.OK.number();
  }

  private void show() {
    try (PaneClient client = pane.open(environment)) {
      ShardsReply reply = client.shards();
      environment
          .out()
          .println(json ? ProtoJson.pretty(reply.getShardsList()) : ShardsTable.render(reply));
    }
  }

  private void set(int shards) {
    try (PaneClient client = pane.open(environment)) {
      SetShardsReply reply = client.setShards(shards);
      environment
          .out()
          .println(
              reply.getShards() + " shards get new changes, " + reply.getBefore() + " did before");
    }
  }
}
