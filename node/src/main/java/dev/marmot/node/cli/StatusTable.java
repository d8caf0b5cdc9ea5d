package dev.marmot.node.cli;

import dev.marmot.proto.v1.LogStatus;
import dev.marmot.proto.v1.MemberStatus;
import dev.marmot.proto.v1.StatusReply;
import dev.marmot.proto.v1.TableStatus;
import java.time.Duration;
import java.util.List;

/** A node's status for a person. Pure functions. */
final class StatusTable {
  private StatusTable() {}

  static String render(StatusReply status) {
    StringBuilder text = new StringBuilder();
    text.append("node n")
        .append(status.getNode())
        .append(" of cluster ")
        .append(status.getCluster());
    text.append(": ").append(status.getState());
    text.append(status.getReady() ? ", ready" : ", not ready").append('\n');
    new TextTable()
        .row("  version", status.getVersion())
        .row("  database", status.getDatabase())
        .row(
            "  position",
            status.getPositionIndex()
                + " (term "
                + status.getPositionTerm()
                + "), epoch "
                + status.getEpoch())
        .row(
            "  applied",
            status.getAppliedChangeSets()
                + " change sets, "
                + status.getAppliedRows()
                + " rows; write lock held "
                + status.getLongestApplyMillis()
                + " ms at most")
        .row(
            "  pending",
            status.getPendingChanges()
                + " changes, "
                + status.getChangeSetsInFlight()
                + " change sets in flight, "
                + status.getSplits()
                + " split")
        .row(
            "  aside",
            status.getConflicts()
                + " conflicts, "
                + status.getHeldRows()
                + " rows held, "
                + status.getParkedRows()
                + " parked")
        .row("  up", uptime(Duration.ofSeconds(status.getUptimeSeconds())))
        .appendTo(text);
    members(text, status.getMembersList());
    logs(text, status.getLogsList());
    tables(text, status.getTablesList());
    status.getWarningsList().forEach(warning -> text.append("\nwarning: ").append(warning));
    if (!status.getLastError().isEmpty()) {
      text.append("\nlast error: ").append(status.getLastError());
    }
    return text.toString().stripTrailing();
  }

  private static String uptime(Duration up) {
    return up.toHours() > 0
        ? up.toHours() + " h " + up.toMinutesPart() + " min"
        : up.toMinutes() + " min " + up.toSecondsPart() + " s";
  }

  private static void members(StringBuilder text, List<MemberStatus> members) {
    TextTable table = new TextTable().row("NODE", "ADDRESS", "REACHABLE", "POSITION", "WHY NOT");
    for (MemberStatus member : members) {
      table.row(
          "n" + member.getNode(),
          member.getAddress(),
          member.getReachable() ? "yes" : "no",
          member.getPosition() == 0 ? "-" : member.getPosition(),
          member.getReason());
    }
    table.appendTo(text.append('\n'));
  }

  private static void logs(StringBuilder text, List<LogStatus> logs) {
    TextTable table =
        new TextTable().row("RAFT LOG", "LEADER", "TERM", "COMMITTED", "APPLIED", "LAG");
    for (LogStatus log : logs) {
      table.row(
          log.getName(),
          log.getLeader() == 0 ? "none" : "n" + log.getLeader(),
          log.getTerm(),
          log.getCommitted(),
          log.getApplied(),
          log.getLag());
    }
    table.appendTo(text.append('\n'));
  }

  private static void tables(StringBuilder text, List<TableStatus> tables) {
    if (tables.isEmpty()) {
      return;
    }
    TextTable table = new TextTable().row("TABLE", "REPLICATED", "NOTE");
    for (TableStatus status : tables) {
      table.row(status.getTable(), status.getReplicated() ? "yes" : "no", status.getReason());
    }
    table.appendTo(text.append('\n'));
  }
}
