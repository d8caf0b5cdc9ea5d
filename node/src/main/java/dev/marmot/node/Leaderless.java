package dev.marmot.node;

import java.util.List;

/** What raft logs without a leader mean for an operator. Pure functions. */
final class Leaderless {
  private Leaderless() {}

  /** Whether it is the cluster that waits, and not single logs whose leader just changes. */
  static boolean isQuorumLost(int leaderless, int logs) {
    return leaderless > 0 && leaderless == logs;
  }

  /**
   * Why nothing is replicated, and what to do.
   *
   * @param leaderless the names of the logs without a leader
   * @param logs how many there are
   * @param unreachable members that do not answer, with the reason
   */
  static String reason(List<String> leaderless, int logs, List<String> unreachable) {
    String silent =
        unreachable.isEmpty() ? "" : " (unreachable: " + String.join(", ", unreachable) + ")";
    if (isQuorumLost(leaderless.size(), logs)) {
      return "no leader: no raft log has one, so too few members reach each other%s; start those"
              .formatted(silent)
          + " that are down";
    }
    return "no leader: "
        + String.join(", ", leaderless)
        + silent
        + "; the other %d raft logs have one; if it lasts, see `marmot shards`"
            .formatted(logs - leaderless.size());
  }
}
