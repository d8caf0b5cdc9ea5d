package dev.marmot.sqlite;

import java.util.Arrays;

/** A SQLite value with its storage class (sqlite.org/datatype3.html), bit for bit. Immutable. */
public sealed interface SqliteValue {
  /** The NULL value. */
  enum Null implements SqliteValue {
    NULL
  }

  /** INTEGER: 64 bits, signed. */
  record Int(long value) implements SqliteValue {}

  /**
   * REAL: compared by bits, so -0.0 differs from 0.0. NaN does not occur: SQLite stores it as NULL.
   */
  record Real(double value) implements SqliteValue {
    @Override
    public boolean equals(Object other) {
      return other instanceof Real real
          && Double.doubleToRawLongBits(real.value) == Double.doubleToRawLongBits(value);
    }

    @Override
    public int hashCode() {
      return Long.hashCode(Double.doubleToRawLongBits(value));
    }
  }

  /**
   * TEXT: the raw bytes in the database's encoding, valid or not. The array must not be changed.
   */
  record Text(byte[] bytes) implements SqliteValue {
    @Override
    public boolean equals(Object other) {
      return other instanceof Text text && Arrays.equals(text.bytes, bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }
  }

  /** BLOB. The array must not be changed. */
  record Blob(byte[] bytes) implements SqliteValue {
    @Override
    public boolean equals(Object other) {
      return other instanceof Blob blob && Arrays.equals(blob.bytes, bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes) + 1;
    }
  }
}
