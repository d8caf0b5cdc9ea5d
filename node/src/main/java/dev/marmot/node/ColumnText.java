package dev.marmot.node;

import dev.marmot.proto.v1.ColumnValue;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The values of one row with their storage classes, readable and without loss up to a size: what is
 * longer is cut, and says so. Confined to one thread.
 */
final class ColumnText {
  static final int VALUE_BYTES = 64 << 10;
  static final int ROW_BYTES = 1 << 20;

  private final Charset charset;
  private int left = ROW_BYTES;

  /**
   * Prepares for one row.
   *
   * @param charset the encoding of the file
   */
  ColumnText(Charset charset) {
    this.charset = charset;
  }

  List<ColumnValue> key(RowImage image) {
    return image.shape().rowidKey()
        ? of(List.of("rowid"), image.key())
        : of(image.shape().keyColumns(), image.key());
  }

  List<ColumnValue> values(RowImage image) {
    return image.tombstone() ? List.of() : of(image.shape().columns(), image.values());
  }

  private List<ColumnValue> of(List<String> columns, List<SqliteValue> values) {
    List<ColumnValue> all = new ArrayList<>(values.size());
    for (int i = 0; i < values.size(); i++) {
      ColumnValue.Builder value = ColumnValue.newBuilder().setColumn(columns.get(i));
      render(values.get(i), value);
      all.add(value.build());
    }
    return all;
  }

  private void render(SqliteValue value, ColumnValue.Builder to) {
    if (value instanceof SqliteValue.Int integer) {
      to.setStorageClass("INTEGER").setValue(Long.toString(integer.value()));
    } else if (value instanceof SqliteValue.Real real) {
      to.setStorageClass("REAL").setValue(Double.toString(real.value()));
    } else if (value instanceof SqliteValue.Text text) {
      text(text.bytes(), to.setStorageClass("TEXT"));
    } else if (value instanceof SqliteValue.Blob blob) {
      hex(blob.bytes(), to.setStorageClass("BLOB"));
    } else {
      to.setStorageClass("NULL");
    }
  }

  private void text(byte[] bytes, ColumnValue.Builder to) {
    try {
      String text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      int most = Math.min(VALUE_BYTES, left);
      if (text.length() > most) {
        // Never half a character.
        int end = most > 0 && Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
        text = text.substring(0, end);
        to.setTruncated(true);
      }
      left -= text.length();
      to.setValue(text);
    } catch (CharacterCodingException e) {
      hex(bytes, to); // bytes that are no text in this encoding: SQLite stores them as they are
    }
  }

  private void hex(byte[] bytes, ColumnValue.Builder to) {
    int most = Math.min(VALUE_BYTES, left) / 2;
    byte[] shown = bytes.length > most ? Arrays.copyOf(bytes, most) : bytes;
    left -= 2 * shown.length;
    to.setHex(true)
        .setTruncated(shown.length < bytes.length)
        .setValue(HexFormat.of().formatHex(shown));
  }
}
