package dev.marmot.node.replication;

/**
 * Identity of a change set: the number-th capture of this origin in this epoch. Immutable.
 *
 * @param origin node id
 * @param epoch from 1
 * @param number from 1, without gaps within an epoch
 */
public record ChangeSetId(int origin, long epoch, long number) {
  static ChangeSetId of(dev.marmot.proto.v1.ChangeSetId wire) {
    return new ChangeSetId(wire.getOrigin(), wire.getEpoch(), wire.getNumber());
  }

  dev.marmot.proto.v1.ChangeSetId toWire() {
    return dev.marmot.proto.v1.ChangeSetId.newBuilder()
        .setOrigin(origin)
        .setEpoch(epoch)
        .setNumber(number)
        .build();
  }

  @Override
  public String toString() {
    return "n" + origin + "/" + EpochNumber.text(epoch) + "/" + number;
  }
}
