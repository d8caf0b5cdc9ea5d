package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.OrderLogEntry;

/** Version of the entries in the raft logs. */
final class Formats {
  /** What this version writes, and the newest that it reads. */
  static final int CURRENT = 1;

  private Formats() {}

  static void check(String what, int format) {
    if (format < 1 || format > CURRENT) {
      throw new ProtocolViolation(
          "cannot read %s: it has format %d, this version reads up to %d; upgrade this node"
              .formatted(what, format, CURRENT));
    }
  }

  /** What an entry of the order log says. */
  static OrderLogEntry orderLogEntry(long index, ByteString bytes) {
    try {
      OrderLogEntry entry = OrderLogEntry.parseFrom(bytes);
      check("entry " + index + " of the order log", entry.getFormat());
      return entry;
    } catch (InvalidProtocolBufferException e) {
      throw new ProtocolViolation(
          "cannot read entry %d of the order log: %s".formatted(index, e.getMessage()), e);
    }
  }
}
