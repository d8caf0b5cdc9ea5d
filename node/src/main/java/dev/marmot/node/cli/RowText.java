package dev.marmot.node.cli;

import dev.marmot.proto.v1.ColumnValue;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Collectors;

/** Values of rows for a person: on one line, short. Pure functions. */
final class RowText {
  private static final int MOST = 40;

  private RowText() {}

  /** {@code id=1 name='x'}, as SQL writes the values. */
  static String of(List<ColumnValue> values) {
    return values.stream()
        .map(value -> printable(value.getColumn()) + "=" + literal(value))
        .collect(Collectors.joining(" "));
  }

  static String node(int origin) {
    return origin == 0 ? "unknown" : "n" + origin;
  }

  static String time(long millis) {
    return Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String literal(ColumnValue value) {
    boolean cut = value.getTruncated() || value.getValue().length() > MOST;
    String text =
        value.getValue().length() > MOST ? value.getValue().substring(0, MOST) : value.getValue();
    String end = cut ? "..." : "";
    if (value.getHex()) {
      return "x'" + text + end + "'";
    }
    return switch (value.getStorageClass()) {
      case "TEXT" -> "'" + printable(text).replace("'", "''") + end + "'";
      case "NULL" -> "NULL";
      default -> text + end;
    };
  }

  /** Nothing that a terminal would obey, and no line ends. */
  static String printable(String text) {
    return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}]", "\ufffd");
  }
}
