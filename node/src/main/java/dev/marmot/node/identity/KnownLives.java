package dev.marmot.node.identity;

import dev.marmot.node.replication.OlderCopyCheck;
import dev.marmot.proto.v1.KnownLife;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaState.LastApplied;
import java.util.Optional;

/**
 * Whether another node knows of a life of this one that its disk does not. A pure decision, made
 * before any raft log is opened: a node that forgot what it voted must not vote.
 *
 * @param name of this node among the members of the raft logs; another one there is another matter
 * @param file identity of its file
 * @param lastStart number of its last start
 * @param check what its file can have sent
 */
public record KnownLives(int node, String name, long file, long lastStart, OlderCopyCheck check) {
  /** Why the node must not start, by what another one knows; empty when it may. */
  public Optional<String> refusal(KnownLife known) {
    if (!known.getName().isEmpty() && !known.getName().equals(name)) {
      return Optional.empty();
    }
    if (known.getEpoch() != ReplicaState.REMOVED && check.foreign().test(known.getEpoch())) {
      return Optional.of(OlderCopyCheck.foreign(node, known.getEpoch()));
    }
    if (known.getStartFile() == file && known.getStart() > lastStart) {
      return Optional.of(
          OlderCopyCheck.olderDirectory(
              node,
              "start %d of it is known to the cluster, and the last that is known here is %d"
                  .formatted(known.getStart(), lastStart)));
    }
    return check.proof(last(known));
  }

  /** The newest change set of the node that the other one has applied. */
  public static LastApplied last(KnownLife known) {
    return new LastApplied(
        known.getLastEpoch(),
        known.getLastNumber(),
        known.getMaxSeq(),
        known.getFile(),
        known.getBase());
  }
}
