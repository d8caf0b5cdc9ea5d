package dev.marmot.node.verify;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.VerifiedTable;
import dev.marmot.proto.v1.VerifyHashesReply;
import dev.marmot.proto.v1.VerifyHashesRequest;
import dev.marmot.proto.v1.VerifyKeysReply;
import dev.marmot.proto.v1.VerifyRowsReply;
import dev.marmot.proto.v1.VerifyRowsRequest;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.store.Reading;
import dev.marmot.sqlite.store.TableHashes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a reading answers. Pure functions of a reading. */
final class Answers {
  /** What fits a message between nodes with a margin. */
  static final int MOST_UNDECIDED = 1_000_000;

  private Answers() {}

  static VerifyKeysReply keys(Reading reading) {
    Set<Long> undecided = reading.undecided();
    checkFew(undecided.size());
    return VerifyKeysReply.newBuilder()
        .setPosition(reading.state().position())
        .addAllUndecided(undecided)
        .build();
  }

  static void checkFew(int undecided) {
    if (undecided > MOST_UNDECIDED) {
      throw new IllegalStateException(
          "cannot compare: %d rows are not ordered yet, and at most %d can be left out; verify again when less is pending"
              .formatted(undecided, MOST_UNDECIDED));
    }
  }

  static VerifyHashesReply hashes(Reading reading, VerifyHashesRequest request) {
    TableHashes hashes = reading.hashes(new HashSet<>(request.getWithoutList()));
    VerifyHashesReply.Builder reply = VerifyHashesReply.newBuilder().setPosition(hashes.position());
    hashes
        .tables()
        .forEach(
            (table, hash) -> {
              VerifiedTable.Builder verified =
                  VerifiedTable.newBuilder().setTable(table).setRows(hash.rows());
              for (long sum : hash.sums()) {
                verified.addSums(sum);
              }
              reply.addTables(verified);
            });
    return reply.build();
  }

  static VerifyRowsReply rows(Reading reading, VerifyRowsRequest request) {
    Set<Integer> ranges = new HashSet<>(request.getRangesList());
    int parts = Math.max(1, request.getParts());
    List<RowImage> keys = new ArrayList<>();
    VerifyRowsReply.Builder reply = VerifyRowsReply.newBuilder();
    reading.rows(
        request.getTable(),
        keyHash ->
            ranges.contains(TableHashes.bucket(keyHash))
                && Long.remainderUnsigned(keyHash, parts) == request.getPart(),
        row -> {
          keys.add(new RowImage(row.shape(), row.key(), List.of(), true, false, row.keyHash()));
          reply.addHashes(reading.hash(row));
        });
    return reply.setKeys(ByteString.copyFrom(ChangeSetCodec.encodeUnbounded(keys))).build();
  }
}
