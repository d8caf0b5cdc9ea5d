package dev.marmot.node.simulation;

import com.google.errorprone.annotations.FormatMethod;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.stream.Collectors;

/**
 * Tells what happens, when asked to by {@code -Dtrace=true}: for whoever looks into one shrunk
 * schedule.
 */
final class Trace {
  static final boolean ON = Boolean.getBoolean("trace");

  private Trace() {}

  @FormatMethod
  static void print(String format, Object... values) {
    if (ON) {
      System.out.println(format.formatted(values));
    }
  }

  /** Rows in short: the key and its values, or "gone". */
  static String rows(Collection<RowImage> rows) {
    return rows.stream().map(Trace::text).collect(Collectors.joining(", ", "[", "]"));
  }

  /** A row in short. */
  static String text(RowImage row) {
    String key = SampleTable.show(SampleTable.key(row));
    return row.tombstone() ? key + " gone" : key + "=" + content(row);
  }

  /** The values of a row in short. */
  static String content(RowImage row) {
    return row.values().stream().map(Trace::show).collect(Collectors.joining("."));
  }

  private static String show(SqliteValue value) {
    if (value instanceof SqliteValue.Int number) {
      return String.valueOf(number.value());
    }
    return value instanceof SqliteValue.Text text
        ? new String(text.bytes(), StandardCharsets.UTF_8).replace("value", "v")
        : "-";
  }
}
