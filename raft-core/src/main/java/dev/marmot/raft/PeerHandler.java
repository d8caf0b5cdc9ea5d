package dev.marmot.raft;

import com.google.protobuf.ByteString;
import java.util.concurrent.CompletionStage;

/** Answers one kind of call from other nodes. Called on a transport thread: must not block. */
@FunctionalInterface
public interface PeerHandler {
  CompletionStage<ByteString> handle(ByteString request);
}
