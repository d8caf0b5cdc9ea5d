package dev.marmot.sqlite.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class ChangeSetCodecTest {
  private static final TableShape NOTES =
      new TableShape("notes", false, List.of("id"), List.of("a", "b"));

  @Test
  void encode_andDecode_giveTheSameRowsForRandomValues() {
    for (long seed = 0; seed < 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      List<RowImage> rows = randomRows(random);
      List<RowImage> back = ChangeSetCodec.decode(ChangeSetCodec.encode(rows));
      assertThat(byShape(back)).as("seed=%d", seed).isEqualTo(byShape(rows));
    }
  }

  @Test
  void encode_keepsBitsOfEveryStorageClass() {
    List<SqliteValue> values =
        List.of(
            SqliteValue.Null.NULL,
            new SqliteValue.Int(Long.MIN_VALUE),
            new SqliteValue.Int(Long.MAX_VALUE),
            new SqliteValue.Int(0),
            new SqliteValue.Real(-0.0),
            new SqliteValue.Real(0.0),
            new SqliteValue.Real(Double.POSITIVE_INFINITY),
            new SqliteValue.Real(Double.NEGATIVE_INFINITY),
            new SqliteValue.Real(Double.MIN_VALUE),
            new SqliteValue.Text(new byte[0]),
            new SqliteValue.Text(new byte[] {(byte) 0xc3, 0x28, (byte) 0xff}),
            new SqliteValue.Text(new byte[] {'a', 0, 'b'}),
            new SqliteValue.Blob(new byte[0]),
            new SqliteValue.Blob(new byte[] {0}));
    List<RowImage> rows = new ArrayList<>();
    for (SqliteValue value : values) {
      rows.add(
          new RowImage(NOTES, List.of(value), List.of(value, value), false, true, rows.size()));
    }
    assertThat(ChangeSetCodec.decode(ChangeSetCodec.encode(rows))).isEqualTo(rows);
  }

  @Test
  void decode_frameThatClaimsTooMuch_isRefused() {
    byte[] frame = ChangeSetCodec.encode(List.of(blobRow(new byte[100_000])));
    assertThatThrownBy(() -> ChangeSetCodec.decode(frame, 50_000))
        .isInstanceOf(CodecException.class)
        .hasMessageContaining("claims 100");
  }

  @Test
  void decode_damagedFrame_isRefused() {
    byte[] noise = new byte[5000];
    fill(noise, new SplittableRandom(1));
    byte[] frame = ChangeSetCodec.encode(List.of(blobRow(noise)));
    assertThatThrownBy(() -> ChangeSetCodec.decode(Arrays.copyOf(frame, frame.length / 2)))
        .isInstanceOf(CodecException.class);
    assertThatThrownBy(() -> ChangeSetCodec.decode(new byte[] {1, 2, 3}))
        .isInstanceOf(CodecException.class);
  }

  @Test
  void encode_rowThatFitsNoLogEntry_isRefusedByName() {
    byte[] noise = new byte[2_000_000];
    fill(noise, new SplittableRandom(1));
    assertThatThrownBy(() -> ChangeSetCodec.encode(List.of(blobRow(noise))))
        .isInstanceOf(CodecException.class)
        .hasMessageContaining("table notes")
        .hasMessageContaining("1400000");
  }

  @Test
  void slice_coversAllRowsInOrderWithinTheBound() {
    for (long seed = 0; seed < 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      List<RowImage> rows = randomRows(random);
      List<List<RowImage>> pieces = Slicer.slice(rows, 500);
      assertThat(pieces.stream().flatMap(List::stream)).as("seed=%d", seed).isEqualTo(rows);
      for (List<RowImage> piece : pieces) {
        long bytes = piece.stream().mapToLong(Slicer::rawBytes).sum();
        assertThat(piece.size() == 1 || bytes <= 500).as("seed=%d", seed).isTrue();
        assertThat(piece).isNotEmpty();
      }
    }
  }

  @Test
  void slice_bigRow_isAloneInItsPiece() {
    RowImage small = blobRow(new byte[10]);
    RowImage big = blobRow(new byte[Slicer.PIECE_BYTES + 1]);
    assertThat(Slicer.slice(List.of(small, big, small)))
        .isEqualTo(List.of(List.of(small), List.of(big), List.of(small)));
    assertThat(Slicer.slice(List.of())).isEmpty();
  }

  private static RowImage blobRow(byte[] bytes) {
    return new RowImage(
        NOTES,
        List.of(new SqliteValue.Int(1)),
        List.of(new SqliteValue.Blob(bytes), SqliteValue.Null.NULL),
        false,
        false,
        7);
  }

  private static Map<TableShape, List<RowImage>> byShape(List<RowImage> rows) {
    Map<TableShape, List<RowImage>> tables = new LinkedHashMap<>();
    rows.forEach(row -> tables.computeIfAbsent(row.shape(), s -> new ArrayList<>()).add(row));
    return tables;
  }

  private static List<RowImage> randomRows(SplittableRandom random) {
    List<TableShape> shapes = new ArrayList<>();
    for (int i = 0; i < 1 + random.nextInt(4); i++) {
      boolean rowid = random.nextInt(4) == 0;
      shapes.add(
          new TableShape(
              "t\u00e4 \"" + i,
              rowid,
              rowid ? List.of() : names("k", 1 + random.nextInt(3)),
              names("c", random.nextInt(6))));
    }
    return Stream.generate(() -> randomRow(random, shapes.get(random.nextInt(shapes.size()))))
        .limit(random.nextInt(40) + 1)
        .toList();
  }

  private static RowImage randomRow(SplittableRandom random, TableShape shape) {
    boolean tombstone = random.nextInt(5) == 0;
    int keys = shape.rowidKey() ? 1 : shape.keyColumns().size();
    return new RowImage(
        shape,
        randomValues(random, keys),
        tombstone ? List.of() : randomValues(random, shape.columns().size()),
        tombstone,
        random.nextBoolean(),
        random.nextLong());
  }

  private static List<String> names(String prefix, int count) {
    return Stream.iterate(0, i -> i + 1).limit(count).map(i -> prefix + i).toList();
  }

  private static List<SqliteValue> randomValues(SplittableRandom random, int count) {
    return Stream.generate(() -> randomValue(random)).limit(count).toList();
  }

  private static SqliteValue randomValue(SplittableRandom random) {
    byte[] bytes = new byte[random.nextInt(60)];
    fill(bytes, random);
    return switch (random.nextInt(6)) {
      case 0 -> SqliteValue.Null.NULL;
      case 1 -> new SqliteValue.Int(random.nextLong() >> random.nextInt(64));
      case 2 -> new SqliteValue.Real(random.nextDouble(-1e300, 1e300));
      case 3 -> new SqliteValue.Real(random.nextBoolean() ? -0.0 : Double.NEGATIVE_INFINITY);
      case 4 -> new SqliteValue.Text(bytes);
      default -> new SqliteValue.Blob(bytes);
    };
  }

  private static void fill(byte[] bytes, SplittableRandom random) {
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) random.nextInt(256);
    }
  }
}
