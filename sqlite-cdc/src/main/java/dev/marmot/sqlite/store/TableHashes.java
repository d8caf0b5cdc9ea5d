package dev.marmot.sqlite.store;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Hashes of every replicated table at one position, to compare nodes by. Immutable; the arrays must
 * not be changed.
 *
 * <p>The rows of a table are spread over buckets by the hash of their key, which is the same on
 * every node whatever their number: no node has to tell the others where a range begins, and a row
 * that is left out because it is pending somewhere moves no other.
 *
 * @param tables by the table's name in lower case (ASCII)
 */
public record TableHashes(long position, Map<String, TableHash> tables) {
  /** Into how many buckets the rows of a table are spread. */
  public static final int BUCKETS = 256;

  public TableHashes {
    tables = Map.copyOf(tables);
  }

  /** The bucket of the row with this {@link dev.marmot.sqlite.RowImage#keyHash}. */
  public static int bucket(long keyHash) {
    return (int) (keyHash >>> 56);
  }

  /** Buckets that differ, by table; tables that only one of the two has differ in all buckets. */
  public Map<String, int[]> differing(TableHashes other) {
    Map<String, int[]> differing = new TreeMap<>();
    Map<String, TableHash> all = new TreeMap<>(other.tables);
    all.putAll(tables);
    for (String table : all.keySet()) {
      TableHash mine = tables.get(table);
      TableHash theirs = other.tables.get(table);
      int[] buckets =
          IntStream.range(0, BUCKETS)
              .filter(i -> mine == null || theirs == null || !mine.same(theirs, i))
              .toArray();
      if (buckets.length > 0) {
        differing.put(table, buckets);
      }
    }
    return differing;
  }

  /**
   * The hash of one table: for each bucket the number of its rows and the 128-bit sum of their
   * hashes. Immutable.
   *
   * @param sums number, high and low half of bucket 0, then those of bucket 1, and so on
   */
  public record TableHash(long rows, long[] sums) {
    public TableHash {
      if (sums.length != 3 * BUCKETS) {
        throw new IllegalArgumentException(
            "cannot compare tables: "
                + sums.length
                + " sums came and "
                + 3 * BUCKETS
                + " are needed; run the same version on all nodes");
      }
    }

    boolean same(TableHash other, int bucket) {
      return Arrays.equals(
          sums, 3 * bucket, 3 * bucket + 3, other.sums, 3 * bucket, 3 * bucket + 3);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof TableHash hash && Arrays.equals(sums, hash.sums);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(sums);
    }
  }
}
