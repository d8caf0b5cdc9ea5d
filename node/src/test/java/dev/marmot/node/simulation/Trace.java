package dev.marmot.node.simulation;

import dev.marmot.sqlite.RowImage;
import java.util.Collection;
import java.util.stream.Collectors;

/** Tells what happens, when asked to: for whoever looks into one shrunk schedule. */
final class Trace {
  private static final boolean ON = Boolean.getBoolean("trace");

  private Trace() {}

  static void print(String format, Object... values) {
    if (ON) {
      System.out.println(format.formatted(values));
    }
  }

  /** Rows in short: the key and the token, or "gone". */
  static String rows(Collection<RowImage> rows) {
    return rows.stream()
        .map(
            row ->
                SampleTable.show(SampleTable.key(row))
                    + (row.tombstone() ? " gone" : "=" + SampleTable.token(row)))
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
