package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import java.util.List;

/** Builds entries of the order log. */
final class Entries {
  /** Most records in one entry. */
  private static final int MOST_ITEMS = 64;

  /** An entry is applied whole, so its records together stay as small as one change set may be. */
  private static final int MOST_ROWS = 20_000;

  /** Their images, too, are whole in memory where the entry is applied. */
  private static final long MOST_RAW_BYTES = 4 << 20;

  private static final int MOST_BYTES = 512 << 10;

  private Entries() {}

  static ByteString order(List<OrderItem> items) {
    return OrderLogEntry.newBuilder()
        .setFormat(Formats.CURRENT)
        .addAllItems(items)
        .build()
        .toByteString();
  }

  /** Whether one more record fits, which would bring the entry to this many rows and bytes. */
  static boolean fits(List<OrderItem> items, int rows, long rawBytes) {
    return items.size() < MOST_ITEMS
        && rows <= MOST_ROWS
        && rawBytes <= MOST_RAW_BYTES
        && items.stream().mapToInt(OrderItem::getSerializedSize).sum() < MOST_BYTES;
  }
}
