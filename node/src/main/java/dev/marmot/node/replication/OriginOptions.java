package dev.marmot.node.replication;

import dev.marmot.sqlite.CaptureLimits;
import java.time.Duration;

/**
 * How a node sends its own changes. Immutable.
 *
 * @param window most change sets in flight
 * @param windowBytes no further capture while the change sets in flight have more bytes than this
 * @param gatherRows while something is in flight, changes gather until there are this many: cost is
 *     per change set, not per row. 1: never wait
 * @param limits size up to which a change set stays whole
 * @param inlineLimit change sets with fewer compressed bytes travel inside their record; 0 = never
 * @param retryAfter first pause before something that failed is proposed again; doubles up to 16
 *     times
 */
public record OriginOptions(
    int window,
    long windowBytes,
    int gatherRows,
    CaptureLimits limits,
    int inlineLimit,
    Duration retryAfter) {
  /** What a node uses unless told otherwise. */
  public static final OriginOptions DEFAULT =
      new OriginOptions(
          4, 8 << 20, 500, new CaptureLimits(20_000, 16 << 20), 0, Duration.ofMillis(100));

  /** The same with another size up to which a change set stays whole. */
  public OriginOptions withMostRows(int rows) {
    CaptureLimits other = new CaptureLimits(rows, limits.bytes());
    return new OriginOptions(window, windowBytes, gatherRows, other, inlineLimit, retryAfter);
  }

  /** The same with another inline limit. */
  public OriginOptions withInlineLimit(int bytes) {
    return new OriginOptions(window, windowBytes, gatherRows, limits, bytes, retryAfter);
  }
}
