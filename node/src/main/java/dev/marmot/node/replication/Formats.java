package dev.marmot.node.replication;

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
}
