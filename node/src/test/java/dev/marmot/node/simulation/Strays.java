package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.proto.v1.ChangeSetId;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.proto.v1.Record;
import dev.marmot.raft.LogId;
import java.util.SplittableRandom;

/**
 * What happens to the logs from outside the protocol: entries that are none, records of somebody
 * who is no member, copies that are opened again. Stateless.
 */
final class Strays {
  private static final int NOBODY = 99;

  private Strays() {}

  static void step(World world, SplittableRandom random) {
    int log = random.nextInt(world.logs().logs());
    switch (random.nextInt(8)) {
      case 0 -> append(world, log, garbage(random));
      case 1 -> append(world, LogId.ORDER.number(), recordOfNobody());
      default -> {
        SimulatedNode node = world.nodes().get(random.nextInt(world.nodes().size()));
        if (node.isUp()) {
          node.life().logs().reopen(log, 1 + random.nextInt(20));
          world.coverage().count(Event.REOPENED_COPIES);
        }
      }
    }
  }

  private static void append(World world, int log, ByteString bytes) {
    world
        .logs()
        .log(log)
        .leader()
        .ifPresent(
            leader -> {
              leader.append(bytes);
              world.coverage().count(Event.STRAY_ENTRIES);
            });
  }

  /** Bytes that do not parse, or that parse as an entry of no format. */
  private static ByteString garbage(SplittableRandom random) {
    return random.nextBoolean()
        ? ByteString.copyFrom(new byte[] {(byte) 0xff, (byte) 0xff, 0x07})
        : ByteString.EMPTY;
  }

  private static ByteString recordOfNobody() {
    ChangeSetId id = ChangeSetId.newBuilder().setOrigin(NOBODY).setEpoch(1).setNumber(1).build();
    return OrderLogEntry.newBuilder()
        .setFormat(1)
        .addItems(OrderItem.newBuilder().setRecord(Record.newBuilder().setId(id)))
        .build()
        .toByteString();
  }
}
