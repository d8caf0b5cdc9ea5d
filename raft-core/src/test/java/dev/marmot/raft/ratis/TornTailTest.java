package dev.marmot.raft.ratis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.util.SizeInBytes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a power loss leaves of a segment that Ratis was writing. */
final class TornTailTest {
  @TempDir Path group;
  private Path file;
  private byte[] whole;

  /** Where each entry begins; the last element is the end of the last one. */
  private final List<Integer> starts = new ArrayList<>();

  @BeforeEach
  void write() throws IOException {
    file = Files.createDirectories(group.resolve("current")).resolve("log_inprogress_0");
    Random random = new Random(7);
    List<LogEntryProto> entries = new ArrayList<>();
    int at = 8;
    for (int size : new int[] {40, 3000, 20, 900, 2300, 700}) {
      byte[] data = new byte[size];
      random.nextBytes(data);
      LogEntryProto entry = CraftedLog.data(1, entries.size(), data);
      entries.add(entry);
      starts.add(at);
      int length = entry.getSerializedSize();
      at += length + (length < 128 ? 1 : 2) + 4;
    }
    starts.add(at);
    CraftedLog.segment(file, entries);
    whole = Files.readAllBytes(file);
  }

  /** Reads as Ratis does at its start: any damage is an exception. */
  private int entries() throws IOException {
    return LogSegment.readSegmentFile(
        file.toFile(),
        LogSegmentPath.matchLogSegment(file).getStartEnd(),
        SizeInBytes.valueOf(RatisOptions.MAX_MESSAGE_BYTES),
        CorruptionPolicy.EXCEPTION,
        null,
        entry -> {});
  }

  private static byte[] zeroed(byte[] bytes, int from, int to) {
    byte[] copy = bytes.clone();
    Arrays.fill(copy, from, to, (byte) 0);
    return copy;
  }

  @Test
  void brokenOffAtEveryByteOfTheLastTwoEntries_allBeforeStays_theRestGoes() throws IOException {
    int last = starts.size() - 1;
    for (int cut = starts.get(last - 2); cut < starts.get(last); cut++) {
      int good = cut < starts.get(last - 1) ? last - 2 : last - 1;
      boolean rest = Arrays.equals(zeroed(whole, cut, whole.length), whole);
      byte[] torn = zeroed(whole, cut, whole.length);
      int end = TornTail.end(torn);
      if (cut == starts.get(good)) {
        assertThat(end).as("nothing was written of entry %d", good).isEqualTo(torn.length);
      } else if (!rest) {
        assertThat(end).as("cut at %d", cut).isEqualTo(starts.get(good));
      }
      // A file that ends there is the same.
      byte[] shorter = Arrays.copyOf(whole, cut);
      assertThat(TornTail.end(shorter)).as("end at %d", cut).isEqualTo(starts.get(good));
    }
    Files.write(file, zeroed(whole, starts.get(last - 1) + 300, whole.length));
    TornTail.cut(group);
    assertThat(entries()).isEqualTo(last - 1);
    assertThat(Files.size(file)).isEqualTo((long) starts.get(last - 1));
  }

  @Test
  void sectorsOfTheLastWriteThatAreMissing_areTorn() throws IOException {
    int start = starts.get(4);
    // The entry before them came with the same write or an earlier one, and is whole.
    byte[] head =
        zeroed(zeroed(whole, start, (start / 512 + 1) * 512), starts.get(5), whole.length);
    assertThat(TornTail.end(head)).isEqualTo(start);
    byte[] middle =
        zeroed(
            zeroed(whole, (start / 512 + 1) * 512, (start / 512 + 2) * 512),
            starts.get(5),
            whole.length);
    assertThat(TornTail.end(middle)).isEqualTo(start);
  }

  @Test
  void damage_isNotCut() throws IOException {
    assertThat(TornTail.end(whole)).isEqualTo(whole.length);
    for (int at = starts.get(5) + 40; at < starts.get(6); at += 13) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 0x10;
      assertThat(TornTail.end(flipped)).as("bit at %d", at).isEqualTo(whole.length);
    }
    // A lost sector with whole entries behind it was acknowledged, for all that can be known.
    int sector = (starts.get(1) / 512 + 2) * 512;
    assertThat(TornTail.end(zeroed(whole, sector, sector + 512))).isEqualTo(whole.length);
    // Closed segments are never cut.
    Path closed = file.resolveSibling("log_0-5");
    Files.delete(file);
    Files.write(closed, zeroed(whole, starts.get(5) + 300, whole.length));
    TornTail.cut(group);
    assertThat(Files.size(closed)).isEqualTo(whole.length);
  }
}
