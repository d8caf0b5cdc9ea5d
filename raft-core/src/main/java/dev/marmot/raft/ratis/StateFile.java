package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.RaftState;
import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** What the raft logs of a directory have in common, on disk. Thread-safe. */
final class StateFile {
  private final Path file;

  @GuardedBy("this")
  private RaftState state;

  private StateFile(Path file, RaftState state) {
    this.file = file;
    this.state = state;
  }

  /**
   * Reads the state of a directory, or writes the first one.
   *
   * @param first used when there is none
   */
  static StateFile open(Path directory, RaftState first) throws IOException {
    Path file = file(directory);
    Optional<RaftState> stored = read(file);
    if (stored.isEmpty()) {
      DurableFile.write(file, first.toByteArray());
    }
    return new StateFile(file, stored.orElse(first));
  }

  static Path file(Path directory) {
    return directory.resolve("state");
  }

  static Optional<RaftState> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(RaftState.parseFrom(Files.readAllBytes(file)));
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(
          "cannot read %s: it is damaged (%s); restore it from a backup"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  synchronized RaftState state() {
    return state;
  }

  /** On disk when this returns. */
  synchronized void change(Consumer<RaftState.Builder> change) throws IOException {
    RaftState.Builder builder = state.toBuilder();
    change.accept(builder);
    RaftState changed = builder.build();
    if (!changed.equals(state)) {
      DurableFile.write(file, changed.toByteArray());
      state = changed;
    }
  }
}
