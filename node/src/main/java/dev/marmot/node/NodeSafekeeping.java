package dev.marmot.node;

import dev.marmot.node.backup.SnapshotSaver;
import dev.marmot.node.control.Safekeeping;
import dev.marmot.node.verify.Verifier;
import dev.marmot.proto.v1.SaveSnapshotReply;
import dev.marmot.proto.v1.SaveSnapshotRequest;
import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyRequest;
import java.util.concurrent.CompletionStage;

/** Comparisons and backups of this node. Thread-safe. */
record NodeSafekeeping(Verifier verifier, SnapshotSaver saver)
    implements Safekeeping, AutoCloseable {
  @Override
  public CompletionStage<VerifyReply> verify(VerifyRequest request) {
    return verifier.verify(request);
  }

  @Override
  public CompletionStage<SaveSnapshotReply> saveSnapshot(SaveSnapshotRequest request) {
    return saver.save(request);
  }

  @Override
  public void close() {
    verifier.close();
    saver.close();
  }
}
