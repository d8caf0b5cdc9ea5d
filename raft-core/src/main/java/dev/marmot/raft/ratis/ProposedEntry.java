package dev.marmot.raft.ratis;

import org.apache.ratis.protocol.Message;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.com.google.protobuf.UnsafeByteOperations;

/**
 * An entry on its way into the local log; remembers whether it got there. Thread-safe.
 *
 * <p>Ratis answers "not leader" both to what it never took and to what it appended before it lost
 * leadership. Only the state machine, asked before each append, can tell the two apart.
 */
final class ProposedEntry implements Message {
  /** An entry without meaning, for nobody: see {@link Groups}. */
  static final com.google.protobuf.ByteString NUDGE =
      com.google.protobuf.ByteString.copyFromUtf8("marmot-nudge-6f1d0b52e7a94c38");

  private final ByteString content;
  private volatile boolean appended;

  ProposedEntry(com.google.protobuf.ByteString entry) {
    content = UnsafeByteOperations.unsafeWrap(entry.toByteArray());
  }

  @Override
  public ByteString getContent() {
    return content;
  }

  void markAppended() {
    appended = true;
  }

  boolean mayBeAppended() {
    return appended;
  }
}
