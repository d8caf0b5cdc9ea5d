package dev.marmot.sqlite.store;

import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.store.CastQuery.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The statements that find out how a table of the live file differs from the snapshot's, with the
 * aliases of {@link DifferenceColumns}. Immutable; pure text.
 */
final class DifferenceSql {
  static final String SNAPSHOT = "__marmot_snapshot";
  static final int DELETE = 0;
  static final int CHANGE = 1;
  static final int INSERT = 2;

  private final DifferenceColumns both;

  DifferenceSql(DifferenceColumns both) {
    this.both = both;
  }

  /** Whether the statements fit the two: the same key, and no column that only the donor has. */
  static boolean fits(TableSchema live, TableSchema snapshot) {
    return !Mapping.of(snapshot.shape(), live.shape()).problem().isPresent()
        && live.key().size() == snapshot.key().size()
        && (live.keyKind() == KeyKind.ROWID) == (snapshot.keyKind() == KeyKind.ROWID);
  }

  /** The TEMP table; its key has the live key's collations. */
  String create() {
    String kept = both.kept().stream().map(name -> ", " + name).collect(Collectors.joining());
    if (both.rowidKey) {
      return "CREATE TABLE " + both.difference + "(k0 INTEGER PRIMARY KEY, op, r, mr" + kept + ")";
    }
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < both.liveKeys.size(); i++) {
      keys.add("k" + i + " COLLATE " + Sql.quote(both.live.key().get(i).collation()));
    }
    return "CREATE TABLE "
        + both.difference
        + "("
        + String.join(", ", keys)
        + ", op, r, mr"
        + kept
        + ", PRIMARY KEY("
        + String.join(", ", both.differenceKeys())
        + ")) WITHOUT ROWID";
  }

  String drop() {
    return "DROP TABLE IF EXISTS " + both.difference;
  }

  /** Notes what the snapshot has and the live table has not, or not so. */
  String noteChanged() {
    String same =
        "EXISTS(SELECT 1 FROM " + both.liveTable() + " AS m WHERE " + both.allEqual() + ")";
    if (both.hasRowids()) {
      // Rows that stand under the same rowid are found without the key's index.
      same =
          "EXISTS(SELECT 1 FROM "
              + both.liveTable()
              + " AS m WHERE "
              + DifferenceColumns.column("m", both.live.rowidName().orElseThrow())
              + "="
              + DifferenceColumns.column("s", both.snapshot.rowidName().orElseThrow())
              + " AND "
              + both.columnsEqual()
              + ") OR "
              + same;
    }
    return "INSERT OR REPLACE INTO "
        + both.difference
        + "(op, r, "
        + String.join(", ", both.differenceKeys())
        + ") SELECT CASE WHEN EXISTS(SELECT 1 FROM "
        + both.liveTable()
        + " AS m WHERE "
        + both.keysEqual("m", both.liveKeys, "s", both.snapshotKeys)
        + ") THEN "
        + CHANGE
        + " ELSE "
        + INSERT
        + " END, "
        + both.snapshotRowid()
        + ", "
        + DifferenceColumns.columns("s", both.snapshotKeys)
        + " FROM "
        + both.snapshotTable()
        + " AS s WHERE NOT ("
        + same
        + ")"
        + both.notNull("s", both.snapshotKeys);
  }

  /** Notes what the live table has and the snapshot has not. */
  String noteExtra() {
    String there =
        "EXISTS(SELECT 1 FROM "
            + both.snapshotTable()
            + " AS s WHERE "
            + both.keysEqual("s", both.snapshotKeys, "m", both.liveKeys)
            + ")";
    if (both.hasRowids()) {
      there =
          "EXISTS(SELECT 1 FROM "
              + both.snapshotTable()
              + " AS s WHERE "
              + DifferenceColumns.column("s", both.snapshot.rowidName().orElseThrow())
              + "="
              + DifferenceColumns.column("m", both.live.rowidName().orElseThrow())
              + " AND "
              + both.keysEqual("s", both.snapshotKeys, "m", both.liveKeys)
              + ") OR "
              + there;
    }
    return "INSERT OR IGNORE INTO "
        + both.difference
        + "(op, "
        + String.join(", ", both.differenceKeys())
        + ") SELECT "
        + DELETE
        + ", "
        + DifferenceColumns.columns("m", both.liveKeys)
        + " FROM "
        + both.liveTable()
        + " AS m WHERE NOT ("
        + there
        + ")"
        + both.notNull("m", both.liveKeys);
  }

  String countLive() {
    return count(both.liveTable(), both.liveKeys);
  }

  String countSnapshot() {
    return count(both.snapshotTable(), both.snapshotKeys);
  }

  private String count(String table, List<String> keys) {
    return "SELECT count(*) FROM " + table + " AS t WHERE 1" + both.notNull("t", keys);
  }

  String count(String condition) {
    return "SELECT count(*) FROM " + both.difference + " WHERE " + condition;
  }

  /** The difference of one key is none any more. */
  String forget(Parameters parameters) {
    return "DELETE FROM " + both.difference + " AS d WHERE " + both.isKey("d", parameters);
  }

  /** Keys of some differences. */
  String keys(String condition) {
    return "SELECT "
        + DifferenceColumns.columns("d", both.differenceKeys())
        + " FROM "
        + both.difference
        + " AS d WHERE "
        + condition;
  }

  /** The condition for one key, for the statements above. */
  String one(Parameters parameters) {
    return both.isKey("d", parameters);
  }
}
