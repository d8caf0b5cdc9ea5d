package dev.marmot.node.simulation;

import dev.marmot.node.replication.ChangeSetId;

/** Reads ids from the wire. */
final class Ids {
  private Ids() {}

  static ChangeSetId of(dev.marmot.proto.v1.ChangeSetId wire) {
    return new ChangeSetId(wire.getOrigin(), wire.getEpoch(), wire.getNumber());
  }
}
