package dev.marmot.node.identity;

import dev.marmot.node.replication.EpochCounter;
import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The epoch counter as a small file. Confined to the origin's thread. */
final class FileEpochCounter implements EpochCounter {
  private static final int FORMAT = 1;

  private final Path file;

  FileEpochCounter(Path file) {
    this.file = file;
  }

  @Override
  public long load() {
    try {
      if (!Files.exists(file)) {
        return 0;
      }
      dev.marmot.proto.v1.EpochCounter stored =
          dev.marmot.proto.v1.EpochCounter.parseFrom(Files.readAllBytes(file));
      if (stored.getFormat() != FORMAT) {
        throw new IOException("it has format " + stored.getFormat());
      }
      return stored.getEpoch();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read the epoch counter %s: %s; restore it from a backup, or start this server as"
                  .formatted(file, e.getMessage())
              + " a node with a new id",
          e);
    }
  }

  @Override
  public void store(long epoch) {
    try {
      DurableFile.write(
          file,
          dev.marmot.proto.v1.EpochCounter.newBuilder()
              .setFormat(FORMAT)
              .setEpoch(epoch)
              .build()
              .toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write the epoch counter %s: %s; free space or mend the permissions"
              .formatted(file, e.getMessage()),
          e);
    }
  }
}
