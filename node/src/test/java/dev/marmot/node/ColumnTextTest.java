package dev.marmot.node;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.proto.v1.ColumnValue;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.TableShape;
import java.nio.charset.Charset;
import java.util.List;
import org.junit.jupiter.api.Test;

class ColumnTextTest {
  private static ColumnValue one(Charset charset, SqliteValue value) {
    TableShape shape = new TableShape("t", true, List.of(), List.of("v"));
    RowImage image =
        new RowImage(shape, List.of(new SqliteValue.Int(1)), List.of(value), false, false, 0);
    return new ColumnText(charset).values(image).get(0);
  }

  private static String shown(ColumnValue value) {
    return value.getStorageClass() + (value.getHex() ? " hex " : " ") + value.getValue();
  }

  @Test
  void values_keepTheirStorageClass() {
    assertThat(shown(one(UTF_8, new SqliteValue.Int(Long.MIN_VALUE))))
        .isEqualTo("INTEGER -9223372036854775808");
    assertThat(shown(one(UTF_8, new SqliteValue.Real(-0.0)))).isEqualTo("REAL -0.0");
    assertThat(shown(one(UTF_8, SqliteValue.Null.NULL))).isEqualTo("NULL ");
    assertThat(shown(one(UTF_8, new SqliteValue.Blob(new byte[] {0, -1}))))
        .isEqualTo("BLOB hex 00ff");
    assertThat(shown(one(UTF_8, new SqliteValue.Text("\u00e4\u0000b".getBytes(UTF_8)))))
        .isEqualTo("TEXT \u00e4\u0000b");
  }

  @Test
  void text_isReadInTheFilesEncoding_orShownAsHex() {
    assertThat(shown(one(UTF_16LE, new SqliteValue.Text("\u00e4".getBytes(UTF_16LE)))))
        .isEqualTo("TEXT \u00e4");
    assertThat(shown(one(UTF_8, new SqliteValue.Text(new byte[] {(byte) 0xc3, 0x28}))))
        .isEqualTo("TEXT hex c328");
  }

  @Test
  void largeValues_areCutAndSaySo() {
    ColumnValue blob = one(UTF_8, new SqliteValue.Blob(new byte[1 << 20]));
    assertThat(blob.getTruncated()).isTrue();
    assertThat(blob.getValue()).hasSize(ColumnText.VALUE_BYTES);
    String text = "a" + "\ud83d\ude00".repeat(ColumnText.VALUE_BYTES);
    ColumnValue cut = one(UTF_8, new SqliteValue.Text(text.getBytes(UTF_8)));
    assertThat(cut.getTruncated()).isTrue();
    assertThat(text).startsWith(cut.getValue());
    assertThat(Character.isHighSurrogate(cut.getValue().charAt(cut.getValue().length() - 1)))
        .isFalse();
  }

  @Test
  void key_ofATableWithoutOne_isTheRowid() {
    TableShape shape = new TableShape("t", true, List.of(), List.of());
    RowImage image =
        new RowImage(shape, List.of(new SqliteValue.Int(7)), List.of(), true, false, 0);
    assertThat(new ColumnText(UTF_8).key(image))
        .containsExactly(
            ColumnValue.newBuilder()
                .setColumn("rowid")
                .setStorageClass("INTEGER")
                .setValue("7")
                .build());
  }
}
