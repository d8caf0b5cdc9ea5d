package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The statements that bring a table of the live file in line with the snapshot's, where they
 * differ, with the aliases of {@link DifferenceColumns}. Immutable; pure text.
 */
final class ReplacementSql {
  private final DifferenceColumns both;

  ReplacementSql(DifferenceColumns both) {
    this.both = both;
  }

  /** Keeps what a row that is about to be replaced has and the snapshot does not give. */
  String keepOld() {
    List<String> targets = new ArrayList<>(both.kept());
    List<String> values =
        new ArrayList<>(both.liveOnly.stream().map(c -> DifferenceColumns.column("m", c)).toList());
    if (both.live.keyKind() == KeyKind.DECLARED) {
      targets.add("mr");
      values.add(DifferenceColumns.column("m", both.live.rowidName().orElseThrow()));
    }
    if (targets.isEmpty()) {
      return "";
    }
    return "UPDATE "
        + both.difference
        + " AS d SET ("
        + String.join(", ", targets)
        + ")=(SELECT "
        + String.join(", ", values)
        + " FROM "
        + both.liveTable()
        + " AS m WHERE "
        + both.keysEqual("m", both.liveKeys, "d", both.differenceKeys())
        + ") WHERE d.op="
        + DifferenceSql.CHANGE;
  }

  /**
   * Deletes the live rows of some differences; empty for WITHOUT ROWID tables, which SQLite would
   * read from end to end for it: their rows are deleted one by one.
   */
  String delete(String condition) {
    if (both.rowidKey) {
      return "DELETE FROM "
          + both.liveTable()
          + " WHERE "
          + Sql.rowid(both.liveKeys.get(0))
          + " IN (SELECT d.k0 FROM "
          + both.difference
          + " AS d WHERE "
          + condition
          + ")";
    }
    if (both.live.keyKind() == KeyKind.DECLARED) {
      String rowid = both.live.rowidName().orElseThrow();
      return "DELETE FROM "
          + both.liveTable()
          + " WHERE "
          + Sql.rowid(rowid)
          + " IN (SELECT "
          + DifferenceColumns.column("m", rowid)
          + " FROM "
          + both.difference
          + " AS d CROSS JOIN "
          + both.liveTable()
          + " AS m ON "
          + both.keysEqual("m", both.liveKeys, "d", both.differenceKeys())
          + " WHERE "
          + condition
          + ")";
    }
    return "";
  }

  /** Writes the snapshot's rows over the live ones. */
  String upsert(String condition) {
    List<String> set = new ArrayList<>(both.common);
    if (!both.rowidKey) {
      set.addAll(both.liveKeys);
    }
    String update =
        set.isEmpty()
            ? "NOTHING"
            : "UPDATE SET "
                + set.stream()
                    .map(c -> Sql.quote(c) + "=excluded." + Sql.quote(c))
                    .collect(Collectors.joining(", "));
    return insert(condition, List.of(), List.of())
        + " ON CONFLICT("
        + both.liveKeys.stream().map(Sql::quote).collect(Collectors.joining(", "))
        + ") DO "
        + update;
  }

  /** Inserts the snapshot's rows where the live ones are gone. */
  String insertNew(String condition) {
    return insert(condition, List.of(), List.of());
  }

  /** Inserts the snapshot's rows with what {@link #keepOld} kept. */
  String insertChanged(String condition) {
    List<String> names = new ArrayList<>(both.liveOnly);
    List<String> values = new ArrayList<>(both.kept());
    if (both.live.keyKind() == KeyKind.DECLARED) {
      names.add(both.live.rowidName().orElseThrow());
      values.add("mr");
    }
    return insert(condition, names, values);
  }

  private String insert(String condition, List<String> names, List<String> values) {
    List<String> targets = new ArrayList<>(both.liveKeys);
    targets.addAll(both.common);
    targets.addAll(names);
    List<String> sources =
        new ArrayList<>(List.of(DifferenceColumns.columns("s", both.snapshotKeys)));
    both.common.forEach(
        name -> sources.add(DifferenceColumns.column("s", both.snapshotName(name))));
    values.forEach(name -> sources.add("d." + name));
    // The alias: a table may itself be called "excluded".
    return "INSERT OR ABORT INTO "
        + both.liveTable()
        + " AS __marmot_row("
        + targets.stream().map(Sql::quote).collect(Collectors.joining(", "))
        + ") SELECT "
        + String.join(", ", sources)
        + " FROM "
        + both.difference
        + " AS d CROSS JOIN "
        + both.snapshotTable()
        + " AS s ON "
        + both.sourceJoin()
        + " WHERE "
        + condition;
  }
}
