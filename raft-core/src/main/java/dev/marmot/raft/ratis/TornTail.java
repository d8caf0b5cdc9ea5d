package dev.marmot.raft.ratis;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLogFormat;
import org.apache.ratis.util.PureJavaCrc32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts off what a power loss has left of the last write to a raft log, and syncs the rest.
 * Stateless.
 *
 * <p>Space is filled with zeros before it is written, and disks write whole sectors: an entry whose
 * write was broken off has a sector of zeros, or lacks its checksum, or the file ends in it (etcd
 * judges its log so). It was never acknowledged, since that comes after the sync. Anything else
 * that cannot be read is damage, and so is everything in a segment that was closed: that stays, and
 * Ratis refuses it. Where a whole entry lies behind it nothing is cut either.
 */
final class TornTail {
  private static final Logger logger = LoggerFactory.getLogger(TornTail.class);
  private static final String OPEN_SEGMENT = "log_inprogress_";
  private static final int SECTOR = 512;
  private static final int CHECKSUM = 4;
  private static final int TERM_TAG = 1 << 3;
  private static final int INDEX_TAG = 2 << 3;

  private final byte[] bytes;

  private TornTail(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Looks at the open segment of a log that nobody has open. */
  static void cut(Path group) throws IOException {
    List<Path> open = new ArrayList<>();
    try (Stream<Path> files = Files.list(group.resolve("current"))) {
      files
          .filter(file -> String.valueOf(file.getFileName()).startsWith(OPEN_SEGMENT))
          .forEach(open::add);
    } catch (NoSuchFileException e) {
      return; // Ratis had not begun it
    }
    for (Path file : open) {
      byte[] bytes = Files.readAllBytes(file);
      int end = new TornTail(bytes).end();
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        if (end < bytes.length) {
          channel.truncate(end);
        }
        // Ratis takes for synced what it reads, also what a process wrote that died before its
        // sync.
        channel.force(true);
      }
      if (end < bytes.length) {
        logger
            .atWarn()
            .addKeyValue("file", file)
            .addKeyValue("from", end)
            .log(
                "cut off the rest of a write that a power loss broke off; it was not acknowledged");
      }
    }
  }

  /** Where the file is to be cut; its length when it is to stay as it is. Pure function. */
  static int end(byte[] segment) {
    return new TornTail(segment).end();
  }

  private int end() {
    int header = SegmentedRaftLogFormat.getHeaderLength();
    if (bytes.length < header || SegmentedRaftLogFormat.matchHeader(bytes, 0, header) < header) {
      return bytes.length; // Ratis knows what to do with a header
    }
    int at = header;
    for (int next = entryEnd(at); next > 0; next = entryEnd(at)) {
      at = next;
    }
    boolean written = zerosFrom(at) < bytes.length;
    return written && torn(at) && !entryBehind(at) ? at : bytes.length;
  }

  /** The end of the whole entry that begins here; -1 when there is none. */
  private int entryEnd(int at) {
    long end = claimedEnd(at);
    if (end < 0 || end > bytes.length) {
      return -1;
    }
    int checksumAt = (int) end - CHECKSUM;
    return checksum(at, checksumAt) == intAt(checksumAt) ? (int) end : -1;
  }

  /** Where an entry ends according to its length; -1 when there can be none here. */
  private long claimedEnd(int at) {
    if (at >= bytes.length || bytes[at] == 0) {
      return -1;
    }
    long[] length = varint(at);
    return length == null || length[0] > RatisOptions.MAX_MESSAGE_BYTES
        ? -1
        : length[1] + length[0] + CHECKSUM;
  }

  private boolean torn(int at) {
    if (bytes[at] == 0) {
      return zerosFrom(at) >= sectorEnd(at); // what came behind was written, this was not
    }
    long end = claimedEnd(at);
    if (end < 0) {
      return endsInLength(at);
    }
    return end > bytes.length || hasZeroSector(at, (int) end) || lacksChecksum(at, (int) end);
  }

  private boolean endsInLength(int from) {
    int at = from;
    while (at < bytes.length && bytes[at] < 0) {
      at++;
    }
    return at == bytes.length && at - from < 5;
  }

  private boolean hasZeroSector(int from, int to) {
    for (int at = from; at < to; at = sectorEnd(at)) {
      if (zerosFrom(at) >= Math.min(sectorEnd(at), to)) {
        return true;
      }
    }
    return false;
  }

  /** Whether the checksum is not there, or only its first bytes are, and right. */
  private boolean lacksChecksum(int at, int end) {
    int checksumAt = end - CHECKSUM;
    int written = CHECKSUM;
    while (written > 0 && bytes[checksumAt + written - 1] == 0) {
      written--;
    }
    int expected = checksum(at, checksumAt);
    for (int i = 0; i < written; i++) {
      if (bytes[checksumAt + i] != (byte) (expected >>> (8 * (CHECKSUM - 1 - i)))) {
        return false;
      }
    }
    return written < CHECKSUM;
  }

  private boolean entryBehind(int from) {
    for (int at = from + 1; at < bytes.length; at++) {
      if (looksLikeEntry(at) && entryEnd(at) > 0) {
        return true;
      }
    }
    return false;
  }

  /** Cheap, so that few checksums are computed in vain: a length, a term, an index. */
  private boolean looksLikeEntry(int at) {
    if (claimedEnd(at) < 0) {
      return false;
    }
    long[] length = varint(at);
    int term = length == null ? bytes.length : (int) length[1];
    if (term + 1 >= bytes.length || bytes[term] != TERM_TAG) {
      return false;
    }
    long[] value = varint(term + 1);
    return value != null && value[1] < bytes.length && bytes[(int) value[1]] == INDEX_TAG;
  }

  private int zerosFrom(int from) {
    int at = from;
    while (at < bytes.length && bytes[at] == 0) {
      at++;
    }
    return at;
  }

  private static int sectorEnd(int at) {
    return (at / SECTOR + 1) * SECTOR;
  }

  private int checksum(int from, int to) {
    PureJavaCrc32C checksum = new PureJavaCrc32C();
    checksum.update(bytes, from, to - from);
    return (int) checksum.getValue();
  }

  private int intAt(int at) {
    return ByteBuffer.wrap(bytes).getInt(at);
  }

  /** A number and where it ends; null when there is none. */
  private long @Nullable [] varint(int from) {
    long value = 0;
    for (int i = 0; i < 10 && from + i < bytes.length; i++) {
      byte next = bytes[from + i];
      value |= (long) (next & 0x7f) << (7 * i);
      if (next >= 0) {
        return value < 0 ? null : new long[] {value, from + i + 1};
      }
    }
    return null;
  }
}
