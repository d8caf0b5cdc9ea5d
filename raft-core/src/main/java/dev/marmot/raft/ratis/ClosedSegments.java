package dev.marmot.raft.ratis;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.raftlog.RaftLogIndex;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLog;

/**
 * Lets Ratis forget what it has read of the closed segments of a log. Immutable.
 *
 * <p>When it opens a log, Ratis (3.3.0) holds every segment behind its floor for not yet on disk,
 * until the log begins a new segment. Whatever is read of them until then stays in memory: after a
 * restart the committed entries are handed over again, so all of the log, 64 MiB and more of each
 * shard. Ratis has no setting for it; what it counts with is set by name here.
 *
 * @param end last index of the closed segments that were there before the log was opened; -1 when
 *     there are none
 */
record ClosedSegments(long end) {
  private static final Pattern CLOSED = Pattern.compile("log_\\d+-(\\d+)");

  /** Looks at the files of a log that nobody has open. */
  static ClosedSegments of(Path group) throws IOException {
    long end = -1;
    try (Stream<Path> files = Files.list(group.resolve("current"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Matcher name = CLOSED.matcher(String.valueOf(file.getFileName()));
        if (name.matches()) {
          end = Math.max(end, Long.parseLong(name.group(1)));
        }
      }
    } catch (NoSuchFileException e) {
      return new ClosedSegments(-1); // Ratis had not begun it
    }
    return new ClosedSegments(end);
  }

  /** After the log was opened. */
  void mayLeaveMemory(RaftLog log) {
    try {
      Object worker = field(SegmentedRaftLog.class, "fileLogWorker").get(log);
      RaftLogIndex safe =
          (RaftLogIndex) field(worker.getClass(), "safeCacheEvictIndex").get(worker);
      safe.updateToMax(end, change -> {});
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot limit the memory of a raft log: not Ratis 3.3.0", e);
    }
  }

  private static Field field(Class<?> owner, String name) throws NoSuchFieldException {
    Field field = owner.getDeclaredField(name);
    field.setAccessible(true);
    return field;
  }
}
