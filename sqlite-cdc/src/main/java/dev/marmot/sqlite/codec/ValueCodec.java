package dev.marmot.sqlite.codec;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.marmot.proto.v1.Value;
import dev.marmot.sqlite.SqliteValue;

/** One SQLite value to its protobuf form and back, bit for bit. Pure functions. */
final class ValueCodec {
  private static final Value NULL = Value.getDefaultInstance();

  private ValueCodec() {}

  static Value encode(SqliteValue value) {
    if (value instanceof SqliteValue.Int integer) {
      return Value.newBuilder().setInteger(integer.value()).build();
    }
    if (value instanceof SqliteValue.Real real) {
      return Value.newBuilder().setRealBits(Double.doubleToRawLongBits(real.value())).build();
    }
    // The arrays of values are never changed, so they need no copy.
    if (value instanceof SqliteValue.Text text) {
      return Value.newBuilder().setText(UnsafeByteOperations.unsafeWrap(text.bytes())).build();
    }
    if (value instanceof SqliteValue.Blob blob) {
      return Value.newBuilder().setBlob(UnsafeByteOperations.unsafeWrap(blob.bytes())).build();
    }
    return NULL;
  }

  static SqliteValue decode(Value value) {
    return switch (value.getKindCase()) {
      case INTEGER -> new SqliteValue.Int(value.getInteger());
      case REAL_BITS -> new SqliteValue.Real(Double.longBitsToDouble(value.getRealBits()));
      case TEXT -> new SqliteValue.Text(bytes(value.getText()));
      case BLOB -> new SqliteValue.Blob(bytes(value.getBlob()));
      case KIND_NOT_SET -> SqliteValue.Null.NULL;
    };
  }

  private static byte[] bytes(ByteString string) {
    return string.toByteArray();
  }
}
