package dev.marmot.node.cli;

import dev.marmot.proto.v1.ShardStatus;
import dev.marmot.proto.v1.ShardsReply;
import java.util.List;
import java.util.stream.Collectors;

/** The raft logs for a person. Pure functions. */
final class ShardsTable {
  private ShardsTable() {}

  static String render(ShardsReply shards) {
    TextTable table =
        new TextTable()
            .row(
                "SHARD",
                "LEADER",
                "TERM",
                "COMMITTED",
                "APPLIED",
                "LAG",
                "FLOOR",
                "BYTES",
                "VOTERS",
                "LISTENERS",
                "STATE");
    row(table, "order", shards.getOrder());
    for (ShardStatus shard : shards.getShardsList()) {
      row(table, Integer.toString(shard.getShard()), shard);
    }
    StringBuilder text = new StringBuilder();
    table.appendTo(text);
    return text.toString().stripTrailing();
  }

  private static void row(TextTable table, String name, ShardStatus shard) {
    table.row(
        name,
        shard.getLeader() == 0 ? "none" : "n" + shard.getLeader(),
        shard.getTerm(),
        shard.getCommitted() < 0 ? "-" : shard.getCommitted(),
        shard.getApplied() < 0 ? "-" : shard.getApplied(),
        shard.getLag(),
        shard.getFloor(),
        shard.getBytes(),
        nodes(shard.getVotersList()),
        nodes(shard.getListenersList()),
        shard.getActive() ? "active" : "retired");
  }

  private static String nodes(List<Integer> nodes) {
    return nodes.isEmpty()
        ? "-"
        : nodes.stream().map(node -> "n" + node).collect(Collectors.joining(","));
  }
}
