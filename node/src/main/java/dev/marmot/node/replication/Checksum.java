package dev.marmot.node.replication;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import com.google.protobuf.ByteString;
import java.util.List;

/** The checksum of a change set: XXH3 (64 bits) over the bytes of its chunks in order. */
final class Checksum {
  private Checksum() {}

  static long of(List<ByteString> chunks) {
    HashStream64 hash = Hashing.xxh3_64().hashStream();
    for (ByteString chunk : chunks) {
      hash.putBytes(chunk.toByteArray());
    }
    return hash.getAsLong();
  }
}
