package dev.marmot.raft.ratis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.marmot.proto.v1.LogFloor;
import dev.marmot.raft.Floor;
import dev.marmot.raft.Retention;
import dev.marmot.raft.file.DurableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.jspecify.annotations.Nullable;

/**
 * Where one log copy begins: what the node allows, what is durable, what Ratis knows. Thread-safe.
 *
 * <p>Ratis must see a new floor only at moments of its own choice: when it takes a snapshot, and
 * when it loads one. So a floor that is met is stored first and published by the reload.
 */
final class CopyFloor {
  /** Older floors only make the position exact; some may be forgotten. */
  private static final int MAX_ALLOWED = 128;

  private volatile Retention retention;

  /** Floors that the node allows: index to position. */
  @GuardedBy("this")
  private final NavigableMap<Long, Long> allowed = new TreeMap<>();

  @GuardedBy("this")
  private @Nullable Path group;

  @GuardedBy("this")
  private @Nullable CopyStart stored;

  private volatile @Nullable CopyStart published;

  CopyFloor(Retention retention) {
    this.retention = retention;
  }

  /** What to keep from now on. */
  void retain(Retention other) {
    retention = other;
  }

  /** Reads the floor file in the directory of the log. */
  synchronized void open(Path groupDirectory) throws IOException {
    group = groupDirectory;
    Path file = file(groupDirectory);
    if (Files.exists(file)) {
      stored = CopyStart.of(LogFloor.parseFrom(Files.readAllBytes(file)));
    }
    published = stored;
  }

  static Path file(Path groupDirectory) {
    return groupDirectory.resolve("sm").resolve("floor");
  }

  /** Null while the copy begins with the log. */
  @Nullable CopyStart current() {
    return published;
  }

  Floor floor() {
    CopyStart now = published;
    return now == null ? Floor.NONE : now.floor();
  }

  /** What the copy takes on disk; 0 when that cannot be seen now. */
  synchronized long bytes() {
    Path directory = group;
    if (directory == null) {
      return 0;
    }
    try {
      return LogFiles.segments(directory).stream().mapToLong(LogFiles.Segment::bytes).sum();
    } catch (IOException | UncheckedIOException e) {
      return 0;
    }
  }

  /** The node needs nothing below this floor. */
  synchronized void allow(Floor floor) {
    if (floor.index() <= floor().index()) {
      return;
    }
    if (!allowed.isEmpty() && floor.index() <= allowed.lastKey()) {
      return;
    }
    if (allowed.size() >= MAX_ALLOWED) {
      boolean odd = false;
      for (var entries = allowed.entrySet().iterator(); entries.hasNext(); odd = !odd) {
        entries.next();
        if (odd) {
          entries.remove();
        }
      }
    }
    allowed.put(floor.index(), floor.position());
  }

  /** Whether raising the copy's floor is worth the work now. */
  synchronized boolean due(long committed) throws IOException {
    Optional<Floor> next = next(committed);
    if (next.isEmpty()) {
      return false;
    }
    long gain = next.get().index() - floor().index();
    return gain >= Math.max(1, retention.entries() / 16)
        || next.get().index() > committed + 1 - retention.entries();
  }

  /** The highest floor that leaves enough for members that lag; empty when it is no progress. */
  @GuardedBy("this")
  private Optional<Floor> next(long committed) throws IOException {
    Path directory = group;
    if (allowed.isEmpty() || directory == null) {
      return Optional.empty();
    }
    long kept = committed + 1 - retention.entries();
    if (allowed.lastKey() > kept) {
      long small = LogFiles.startWithin(LogFiles.segments(directory), retention.bytes());
      kept = Math.min(Math.max(kept, small), committed + 1);
    }
    Map.Entry<Long, Long> above = allowed.ceilingEntry(kept);
    Map.Entry<Long, Long> last = allowed.lastEntry();
    // What makes everything below a floor unnecessary does so for what is below a lower one.
    Floor next =
        above != null
            ? new Floor(kept, above.getValue())
            : new Floor(last.getKey(), last.getValue());
    return next.index() > floor().index() ? Optional.of(next) : Optional.empty();
  }

  /** Raises the floor as far as is allowed; on disk when this returns. Called by Ratis only. */
  synchronized void raise(RaftLog log, long committed) throws IOException {
    Optional<Floor> next = next(committed);
    if (next.isEmpty()) {
      return;
    }
    TermIndex below = log.getTermIndex(next.get().index() - 1);
    if (below != null) {
      CopyStart raised = new CopyStart(below.getTerm(), next.get());
      store(raised);
      // What is stored may be higher: a floor that was met, and then not needed after all.
      published = raised;
      allowed.headMap(raised.floor().index(), true).clear();
    }
  }

  /**
   * Stores a floor that was met; in force with {@link #publish}.
   *
   * @return what is on disk now: this floor, or a higher one from before
   */
  synchronized CopyStart store(CopyStart start) throws IOException {
    if (stored != null && stored.floor().index() >= start.floor().index()) {
      return stored;
    }
    if (group == null) {
      throw new IOException("cannot store the floor of a raft log: the log is not open");
    }
    DurableFile.write(file(group), start.toProto().toByteArray());
    stored = start;
    return start;
  }

  /** What is stored is in force. */
  synchronized @Nullable CopyStart publish() {
    published = stored;
    allowed.headMap(floor().index(), true).clear();
    return published;
  }
}
