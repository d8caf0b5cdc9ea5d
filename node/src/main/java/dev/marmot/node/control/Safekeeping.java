package dev.marmot.node.control;

import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyRequest;
import java.util.concurrent.CompletionStage;

/** What a node does to keep the data safe, as far as operators ask for it. Thread-safe. */
public interface Safekeeping {
  /** Compares the files of all nodes at one position, and repairs if asked to. Safe to repeat. */
  CompletionStage<VerifyReply> verify(VerifyRequest request);

  /** Saves the rows of one position in a file. */
  CompletionStage<SaveSnapshotReply> saveSnapshot(SaveSnapshotRequest request);
}
