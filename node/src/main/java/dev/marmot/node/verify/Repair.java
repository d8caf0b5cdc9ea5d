package dev.marmot.node.verify;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.VerifyRowsReply;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Has a node of the majority send again what it has under the keys that differ, also where it has
 * nothing. Confined to the verifier's thread.
 */
final class Repair {
  /** Rows of one node that are looked at together; bounds memory and messages. */
  private static final int PART_ROWS = 10_000;

  /** Keys that are logged in one transaction, for which the application has to wait. */
  private static final int BATCH = 500;

  private final int self;
  private final Round round;

  Repair(int self, Round round) {
    this.self = self;
    this.round = round;
  }

  /** Returns how many rows were sent again. */
  long run() {
    long sent = 0;
    for (Difference difference : round.differences()) {
      List<Integer> others =
          difference.differing().stream().filter(n -> !difference.missing().contains(n)).toList();
      if (!difference.majority().isEmpty() && !others.isEmpty()) {
        sent += repair(difference, others);
      }
    }
    return sent;
  }

  private long repair(Difference difference, List<Integer> others) {
    int healer = difference.majority().contains(self) ? self : difference.majority().get(0);
    long rows = round.rows(difference.table(), difference.ranges());
    int parts = (int) (1 + rows / PART_ROWS);
    long sent = 0;
    for (int part = 0; part < parts; part++) {
      List<RowImage> keys = differing(difference, healer, others, part, parts);
      for (int from = 0; from < keys.size(); from += BATCH) {
        List<RowImage> batch = keys.subList(from, Math.min(keys.size(), from + BATCH));
        ByteString frame = ByteString.copyFrom(ChangeSetCodec.encodeUnbounded(batch));
        sent += round.calls().resend(healer, frame).join().getRows();
      }
    }
    return sent;
  }

  /** Keys under which another node has something else than the healer. */
  private List<RowImage> differing(
      Difference difference, int healer, List<Integer> others, int part, int parts) {
    List<Integer> nodes = new ArrayList<>(others);
    nodes.add(healer);
    Map<Integer, CompletableFuture<VerifyRowsReply>> asked =
        Round.ask(
            nodes,
            node -> round.calls().rows(node, difference.table(), difference.ranges(), part, parts));
    Map<Integer, Part> answered = new HashMap<>();
    asked.forEach((node, reply) -> answered.put(node, Part.of(reply.join())));
    Part right = answered.remove(healer);
    return right == null
        ? List.of()
        : right.differing(answered.values()).stream()
            .filter(key -> !round.leftOut(key.keyHash()))
            .toList();
  }

  /**
   * Rows of one node by the hash of their key. Immutable.
   *
   * @param keys without values
   */
  record Part(Map<Long, RowImage> keys, Map<Long, String> hashes) {
    static Part of(VerifyRowsReply reply) {
      List<RowImage> rows = ChangeSetCodec.decode(reply.getKeys().toByteArray());
      Map<Long, RowImage> keys = new HashMap<>();
      Map<Long, String> hashes = new HashMap<>();
      for (int i = 0; i < rows.size(); i++) {
        keys.put(rows.get(i).keyHash(), rows.get(i));
        hashes.put(rows.get(i).keyHash(), reply.getHashes(i));
      }
      return new Part(keys, hashes);
    }

    /** Keys of rows that differ, that only this one has, or that only one of the others has. */
    List<RowImage> differing(Iterable<Part> others) {
      Set<Long> seen = new HashSet<>();
      List<RowImage> differing = new ArrayList<>();
      for (Part other : others) {
        keys.forEach(
            (hash, key) -> {
              String theirs = other.hashes.get(hash);
              if (!String.valueOf(hashes.get(hash)).equals(theirs) && seen.add(hash)) {
                differing.add(key);
              }
            });
        other.keys.forEach(
            (hash, key) -> {
              if (!keys.containsKey(hash) && seen.add(hash)) {
                differing.add(key);
              }
            });
      }
      return differing;
    }
  }
}
