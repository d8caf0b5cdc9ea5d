package dev.marmot.sqlite.sample;

import dev.marmot.sqlite.store.DatabaseDigest;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a file's tables hold, by value and storage class. Immutable.
 *
 * @param tables digests of {@link DatabaseDigest} by table: number of rows, colon, hash
 */
public record ContentDigest(Map<String, String> tables) {
  public ContentDigest {
    tables = Map.copyOf(tables);
  }

  /** Rows of all tables. */
  public long rows() {
    return tables.values().stream()
        .mapToLong(digest -> Long.parseLong(digest.substring(0, digest.indexOf(':'))))
        .sum();
  }

  /** One number for all of it, to show. */
  public String hash() {
    long hash = 0;
    for (String digest : new TreeMap<>(tables).values()) {
      hash = 31 * hash + Long.parseUnsignedLong(digest.substring(digest.indexOf(':') + 17), 16);
    }
    return "%016x".formatted(hash);
  }
}
