package dev.marmot.sqlite.codec;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import com.google.protobuf.CodedInputStream;
import dev.marmot.proto.v1.ChangeSetRows;
import dev.marmot.proto.v1.Row;
import dev.marmot.proto.v1.TableRows;
import dev.marmot.proto.v1.Value;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Row images to a zstd frame of {@code ChangeSetRows} and back. Pure functions.
 *
 * <p>Rows are grouped by shape, in the order in which shapes first appear; the order of rows is
 * kept within a shape. Across tables the order inside a change set has no meaning: its rows are the
 * outcome of one read transaction, at most one per key.
 */
public final class ChangeSetCodec {
  /** Most uncompressed bytes of one frame; what claims more is refused on both sides. */
  public static final int MAX_RAW_BYTES = 256 << 20;

  /** Most bytes of a frame, so that it fits a raft log entry with what surrounds it. */
  public static final int MAX_FRAME_BYTES = 1_400_000;

  // Level 1: rows are small and repetitive, higher levels cost more time than they save bytes.
  private static final int LEVEL = 1;

  private ChangeSetCodec() {}

  /**
   * Compresses one piece of a change set.
   *
   * @throws CodecException when the frame would exceed {@link #MAX_FRAME_BYTES}
   */
  public static byte[] encode(List<RowImage> rows) {
    byte[] frame = encodeUnbounded(rows);
    if (frame.length > MAX_FRAME_BYTES) {
      throw new CodecException(
          "cannot encode a row of table "
              + rows.get(0).table()
              + ": it takes "
              + frame.length
              + " bytes compressed and at most "
              + MAX_FRAME_BYTES
              + " fit a log entry; shorten its values, or exclude the table");
    }
    return frame;
  }

  /** Compresses rows that stay in this file (parked, held, conflicts), whatever their size. */
  public static byte[] encodeUnbounded(List<RowImage> rows) {
    ChangeSetRows message = message(rows);
    int size = message.getSerializedSize();
    if (size > MAX_RAW_BYTES) {
      throw new CodecException(
          "cannot encode rows of table "
              + rows.get(0).table()
              + ": they take "
              + size
              + " bytes and at most "
              + MAX_RAW_BYTES
              + " are allowed; shorten the values, or exclude the table");
    }
    return Zstd.compress(message.toByteArray(), LEVEL);
  }

  /**
   * Reads a frame back.
   *
   * @throws CodecException when the bytes are no such frame, or claim more than {@link
   *     #MAX_RAW_BYTES}
   */
  public static List<RowImage> decode(byte[] frame) {
    return decode(frame, MAX_RAW_BYTES);
  }

  static List<RowImage> decode(byte[] frame, int maxRawBytes) {
    long claimed = Zstd.getFrameContentSize(frame);
    if (claimed < 0 || claimed > maxRawBytes) {
      throw new CodecException(
          "cannot decode rows: the frame of "
              + frame.length
              + " bytes claims "
              + (claimed < 0 ? "no size" : claimed + " bytes")
              + " and at most "
              + maxRawBytes
              + " are allowed; it is damaged or from a newer version");
    }
    try {
      // The values are cut out of these bytes once, when they become values of rows.
      CodedInputStream raw = CodedInputStream.newInstance(Zstd.decompress(frame, (int) claimed));
      raw.enableAliasing(true);
      return rows(ChangeSetRows.parseFrom(raw));
    } catch (ZstdException | IOException e) {
      throw new CodecException(
          "cannot decode rows: the frame of "
              + frame.length
              + " bytes is damaged; it must be fetched again",
          e);
    }
  }

  private static ChangeSetRows message(List<RowImage> rows) {
    Map<TableShape, TableRows.Builder> tables = new LinkedHashMap<>();
    TableShape shape = null;
    TableRows.Builder table = null;
    for (RowImage image : rows) {
      if (table == null || !Objects.equals(image.shape(), shape)) {
        shape = image.shape();
        table = tables.computeIfAbsent(shape, ChangeSetCodec::table);
      }
      table.addRows(row(image));
    }
    ChangeSetRows.Builder message = ChangeSetRows.newBuilder();
    tables.values().forEach(message::addTables);
    return message.build();
  }

  private static TableRows.Builder table(TableShape shape) {
    return TableRows.newBuilder()
        .setTable(shape.table())
        .setRowidKey(shape.rowidKey())
        .addAllKeyColumns(shape.keyColumns())
        .addAllColumns(shape.columns());
  }

  private static Row row(RowImage image) {
    Row.Builder row =
        Row.newBuilder()
            .setTombstone(image.tombstone())
            .setOver(image.over())
            .setKeyHash(image.keyHash())
            .setInserted(image.inserted())
            .setResent(image.resent());
    for (SqliteValue value : image.key()) {
      row.addKey(ValueCodec.encode(value));
    }
    for (SqliteValue value : image.values()) {
      row.addValues(ValueCodec.encode(value));
    }
    return row.build();
  }

  private static List<RowImage> rows(ChangeSetRows message) {
    List<RowImage> rows = new ArrayList<>();
    for (TableRows table : message.getTablesList()) {
      TableShape shape =
          new TableShape(
              table.getTable(),
              table.getRowidKey(),
              List.copyOf(table.getKeyColumnsList()),
              List.copyOf(table.getColumnsList()));
      for (Row row : table.getRowsList()) {
        rows.add(image(shape, row));
      }
    }
    return rows;
  }

  private static RowImage image(TableShape shape, Row row) {
    int keys = shape.rowidKey() ? 1 : shape.keyColumns().size();
    int values = row.getTombstone() ? 0 : shape.columns().size();
    if (row.getKeyCount() != keys || row.getValuesCount() != values) {
      throw new CodecException(
          "cannot decode a row of table "
              + shape.table()
              + ": it has "
              + row.getKeyCount()
              + " key values and "
              + row.getValuesCount()
              + " others where its shape has "
              + keys
              + " and "
              + values
              + "; it must be fetched again");
    }
    return new RowImage(
        shape,
        decode(row.getKeyList()),
        decode(row.getValuesList()),
        row.getTombstone(),
        row.getOver(),
        row.getKeyHash(),
        row.getInserted(),
        row.getResent());
  }

  private static List<SqliteValue> decode(List<Value> values) {
    SqliteValue[] decoded = new SqliteValue[values.size()];
    for (int i = 0; i < decoded.length; i++) {
      decoded[i] = ValueCodec.decode(values.get(i));
    }
    return List.of(decoded);
  }
}
