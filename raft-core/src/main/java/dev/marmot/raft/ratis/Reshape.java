package dev.marmot.raft.ratis;

import dev.marmot.proto.v1.RaftState;
import dev.marmot.raft.LogId;
import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Fits the raft logs of a stopped node to other options, when its cluster never began and nothing
 * was written in them. May be asked again after a break. Pure functions of files.
 *
 * <p>Votes are kept where they could count: logs of the same cluster stay as they are, and a
 * cluster with another id shares no log with the one before.
 */
final class Reshape {
  private Reshape() {}

  static void run(Path directory, String before, String now, int shards) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    boolean same = before.equals(now);
    try (RaftDirectory raft = RaftDirectory.open(directory, new LogGroups(before))) {
      for (LogId log : raft.logs()) {
        if (!same || log.number() > shards) {
          delete(raft.group(log));
        }
      }
      Path file = StateFile.file(directory);
      Optional<RaftState> state = StateFile.read(file);
      if (!same) {
        Files.deleteIfExists(file);
      } else if (state.isPresent()) {
        DurableFile.write(file, state.get().toBuilder().setShards(shards).build().toByteArray());
      }
    }
  }

  private static void delete(Path group) throws IOException {
    try (Stream<Path> files = Files.walk(group)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
