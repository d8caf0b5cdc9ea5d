package dev.marmot.node.snapshot;

import com.dynatrace.hash4j.hashing.Hashing;
import com.github.luben.zstd.Zstd;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.marmot.proto.v1.SnapshotBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/** A snapshot file in blocks of equal size: checksummed one by one, compressed for the way. */
final class Blocks {
  /** Uncompressed bytes of a block; the last one may be shorter. */
  static final int SIZE = 256 << 10;

  private static final int COMPRESSION = 1; // the fastest: the network is near, the processor busy

  private Blocks() {}

  static long count(long fileSize) {
    return (fileSize + SIZE - 1) / SIZE;
  }

  /** The bytes of a block; fewer than a whole block at the end of the file. */
  static byte[] read(FileChannel file, long number) throws IOException {
    long start = number * SIZE;
    int length = (int) Math.max(0, Math.min(SIZE, file.size() - start));
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (file.read(buffer, start + buffer.position()) < 0) {
        throw new IOException("the file ends in the middle of block " + number);
      }
    }
    return buffer.array();
  }

  static void write(FileChannel file, long number, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      var unused = file.write(buffer, number * SIZE + buffer.position());
    }
  }

  static long checksum(byte[] block) {
    return Hashing.xxh3_64().hashBytesToLong(block);
  }

  static List<Long> checksums(FileChannel file) throws IOException {
    List<Long> checksums = new ArrayList<>();
    for (long number = 0; number < count(file.size()); number++) {
      checksums.add(checksum(read(file, number)));
    }
    return checksums;
  }

  static SnapshotBlock pack(long number, byte[] block) {
    ByteString data = UnsafeByteOperations.unsafeWrap(Zstd.compress(block, COMPRESSION));
    return SnapshotBlock.newBuilder()
        .setNumber(number)
        .setData(data)
        .setChecksum(checksum(block))
        .build();
  }

  /**
   * The bytes of a block that came over the network.
   *
   * @throws IOException when they are not the bytes that the manifest promises
   */
  static byte[] unpack(SnapshotBlock block, long number, long checksum) throws IOException {
    byte[] bytes = Zstd.decompress(block.getData().toByteArray(), SIZE);
    if (block.getNumber() != number || checksum(bytes) != checksum) {
      throw new IOException("block %d of the snapshot came damaged".formatted(number));
    }
    return bytes;
  }
}
