package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLogFormat;
import org.apache.ratis.thirdparty.com.google.protobuf.CodedOutputStream;
import org.apache.ratis.util.SizeInBytes;

/** A raft log on disk that nobody has open: all of its entries, committed or not. Confined. */
final class OfflineLog {
  private static final int CHECKSUM_BYTES = 4;

  private final Path group;

  OfflineLog(Path group) {
    this.group = group;
  }

  /** Receives the entries that somebody proposed. */
  interface Reader {
    void entry(long term, long index, ByteString bytes);
  }

  /** Everything that was proposed, in index order. */
  void read(Reader reader) throws IOException {
    for (LogSegmentPath segment : segments()) {
      read(
          segment,
          entry -> {
            if (entry.hasStateMachineLogEntry()) {
              ByteString bytes = LogStateMachine.payload(entry);
              if (!bytes.equals(ProposedEntry.NUDGE)) {
                reader.entry(entry.getTerm(), entry.getIndex(), bytes);
              }
            }
          });
    }
  }

  /**
   * Where a log ends.
   *
   * @param term of the last entry; 0 when there is none
   * @param last index of the last entry; -1 when there is none
   * @param committed highest index that the log itself says is committed, -1 when it does not
   */
  record End(long term, long last, long committed) {
    static final End NONE = new End(0, -1, -1);

    End with(LogEntryProto entry) {
      long known = entry.hasMetadataEntry() ? entry.getMetadataEntry().getCommitIndex() : -1;
      return new End(entry.getTerm(), entry.getIndex(), Math.max(committed, known));
    }
  }

  /** Reads from the newest segment back, until one says what is committed. */
  End end() throws IOException {
    List<LogSegmentPath> segments = segments();
    End newest = End.NONE;
    for (int i = segments.size() - 1; i >= 0 && newest.committed() < 0; i--) {
      List<End> ends = new ArrayList<>(List.of(End.NONE));
      read(segments.get(i), entry -> ends.set(0, ends.get(0).with(entry)));
      End end = ends.get(0);
      newest = newest.last() < 0 ? end : new End(newest.term(), newest.last(), end.committed());
    }
    return newest;
  }

  /** The newest members that the log names, committed or not; empty when it names none. */
  Optional<RaftConfigurationProto> members() throws IOException {
    List<LogSegmentPath> segments = segments();
    List<RaftConfigurationProto> named = new ArrayList<>();
    for (int i = segments.size() - 1; i >= 0 && named.isEmpty(); i--) {
      read(
          segments.get(i),
          entry -> {
            if (entry.hasConfigurationEntry()) {
              named.add(entry.getConfigurationEntry());
            }
          });
    }
    return named.isEmpty() ? Optional.empty() : Optional.of(named.get(named.size() - 1));
  }

  /** Takes away what is behind an index. May be repeated after it broke off. */
  void cutBehind(long last) throws IOException {
    List<LogSegmentPath> segments = segments();
    for (int i = segments.size() - 1; i >= 0; i--) {
      Path file = segments.get(i).getPath();
      long[] kept = {-1, -1, SegmentedRaftLogFormat.getHeaderLength()};
      boolean[] more = {false};
      read(
          segments.get(i),
          entry -> {
            if (entry.getIndex() > last) {
              more[0] = true;
              return;
            }
            kept[0] = kept[0] < 0 ? entry.getIndex() : kept[0];
            kept[1] = entry.getIndex();
            int size = entry.getSerializedSize();
            kept[2] += size + CodedOutputStream.computeUInt32SizeNoTag(size) + CHECKSUM_BYTES;
          });
      if (kept[0] < 0) {
        Files.delete(file);
      } else if (more[0]) {
        shorten(file, kept[2], "log_" + kept[0] + "-" + kept[1]);
      }
    }
  }

  private static void shorten(Path file, long bytes, String name) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(bytes).force(true);
    }
    Files.move(file, file.resolveSibling(name), StandardCopyOption.ATOMIC_MOVE);
  }

  private List<LogSegmentPath> segments() throws IOException {
    List<LogSegmentPath> segments = new ArrayList<>();
    try (Stream<Path> files = Files.list(group.resolve("current"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        LogSegmentPath segment = LogSegmentPath.matchLogSegment(file);
        if (segment != null) {
          segments.add(segment);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of(); // Ratis had not begun it
    }
    segments.sort(Comparator.comparing(LogSegmentPath::getStartEnd));
    return segments;
  }

  private static void read(LogSegmentPath segment, Consumer<LogEntryProto> entries)
      throws IOException {
    var unused =
        LogSegment.readSegmentFile(
            segment.getPath().toFile(),
            segment.getStartEnd(),
            SizeInBytes.valueOf(RatisOptions.MAX_MESSAGE_BYTES),
            CorruptionPolicy.WARN_AND_RETURN,
            null,
            entries);
  }
}
