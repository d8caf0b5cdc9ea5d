package dev.marmot.sqlite.schema;

import java.util.Map;
import java.util.Optional;

/**
 * Tables in which other tools that replicate or back up a file note where that one file stands. On
 * another node they would be wrong, so they never replicate. Pure functions.
 */
public final class OtherReplicators {
  private static final Map<String, String> TOOLS =
      Map.of(
          "_litestream_", "Litestream",
          "__harmonylite_", "HarmonyLite",
          "_cf_", "Cloudflare D1",
          "crsql_", "cr-sqlite",
          "__crsql_", "cr-sqlite",
          "__corro_", "Corrosion");

  private OtherReplicators() {}

  /** The tool whose table this is by its name; empty for the application's own. */
  public static Optional<String> owner(String table) {
    String folded = Sql.fold(table);
    return TOOLS.entrySet().stream()
        .filter(tool -> folded.startsWith(tool.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }
}
