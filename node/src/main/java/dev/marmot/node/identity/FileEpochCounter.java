package dev.marmot.node.identity;

import dev.marmot.node.replication.EpochCounter;
import dev.marmot.node.replication.EpochHistory;
import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;

/** The epochs of this node as a small file. One thread writes, any may ask. */
final class FileEpochCounter implements EpochCounter {
  private static final int FORMAT = 2;

  private final Path file;
  private final SecureRandom random = new SecureRandom();
  private volatile EpochHistory history;

  private FileEpochCounter(Path file, EpochHistory history) {
    this.file = file;
    this.history = history;
  }

  static FileEpochCounter open(Path file) throws IOException {
    return new FileEpochCounter(file, read(file));
  }

  private static EpochHistory read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return EpochHistory.NONE;
    }
    try {
      dev.marmot.proto.v1.EpochCounter stored =
          dev.marmot.proto.v1.EpochCounter.parseFrom(Files.readAllBytes(file));
      if (stored.getFormat() != FORMAT) {
        throw new IOException(
            "it has format %d, this version reads %d".formatted(stored.getFormat(), FORMAT));
      }
      return new EpochHistory(stored.getSince(), stored.getOpenedList());
    } catch (IOException e) {
      throw new IOException(
          "cannot read the epochs of this node in %s: %s; set the raft directory aside and start"
                  .formatted(file, e.getMessage())
              + " with --join, --replace and the raft address of another member",
          e);
    }
  }

  @Override
  public long load() {
    return history.newest();
  }

  @Override
  public void store(long epoch) {
    keep(history.with(epoch));
  }

  @Override
  public int draw() {
    int drawn = 0;
    while (drawn == 0) {
      drawn = random.nextInt();
    }
    return drawn;
  }

  @Override
  public void settled(long epoch) {
    EpochHistory settled = history.settled(epoch);
    if (!settled.equals(history)) {
      keep(settled);
    }
  }

  @Override
  public boolean isForeign(long epoch) {
    return history.isForeign(epoch);
  }

  void keep(EpochHistory changed) {
    try {
      DurableFile.write(
          file,
          dev.marmot.proto.v1.EpochCounter.newBuilder()
              .setFormat(FORMAT)
              .setSince(changed.since())
              .addAllOpened(changed.opened())
              .build()
              .toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write the epochs of this node to %s: %s; free space or mend the permissions"
              .formatted(file, e.getMessage()),
          e);
    }
    history = changed;
  }
}
