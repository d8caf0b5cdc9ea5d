package dev.marmot.sqlite.property;

import java.util.ArrayList;
import java.util.List;

/** A random schema: tables, indexes, triggers, views, a search index. Immutable once made. */
final class RandomSchema {
  private static final List<String> NAMES =
      List.of("t", "\"select\"", "\"a b\"", "\"q\"\"x\"", "ünï", "[br]", "\"__marmotx\"", "u");

  final List<String> ddl = new ArrayList<>();
  final List<RandomTable> tables = new ArrayList<>();
  final List<String> views = new ArrayList<>();
  final List<String> settings = new ArrayList<>();
  final List<String> searches = new ArrayList<>();
  private final Dice dice;

  RandomSchema(Dice dice) {
    this.dice = dice;
    ddl.add("PRAGMA page_size=" + dice.pick("512", "1024", "4096", "4096", "65536"));
    ddl.add("PRAGMA encoding='" + dice.pick("UTF-8", "UTF-8", "UTF-16le", "UTF-16be") + "'");
    ddl.add("PRAGMA auto_vacuum=" + dice.pick("NONE", "FULL", "INCREMENTAL"));
    int count = 1 + dice.below(3);
    int first = dice.below(NAMES.size());
    for (int i = 0; i < count; i++) {
      RandomTable table = new RandomTable(dice, NAMES.get((first + i) % NAMES.size()), tables);
      tables.add(table);
      ddl.addAll(table.ddl);
    }
    settings.add("PRAGMA foreign_keys=" + dice.pick("ON", "ON", "OFF"));
    boolean search = tables.get(0).rowidAlias() && dice.oneIn(2);
    if (search) {
      search(tables.get(0));
    } else {
      triggers();
    }
    settings.add("PRAGMA recursive_triggers=" + (search ? "ON" : dice.pick("ON", "OFF", "OFF")));
    if (dice.oneIn(3)) {
      view();
    }
  }

  /**
   * Delete triggers see replaced rows only with recursive_triggers; without, the index is stale.
   */
  private void search(RandomTable table) {
    String text = table.stored.get(1);
    String drop = "INSERT INTO f(f,rowid," + text + ") VALUES('delete',OLD.k,OLD." + text + ");";
    String add = "INSERT INTO f(rowid," + text + ") VALUES(NEW.k,NEW." + text + ");";
    String content = table.name.replaceAll("[\\[\\]]|^\"|\"$", "").replace("\"\"", "\"");
    ddl.add(
        "CREATE VIRTUAL TABLE f USING fts5("
            + text
            + ", content='"
            + content
            + "', content_rowid='k')");
    String on = " ON " + table.name + " BEGIN ";
    ddl.add("CREATE TRIGGER fi AFTER INSERT" + on + add + " END");
    ddl.add("CREATE TRIGGER fd AFTER DELETE" + on + drop + " END");
    if (dice.oneIn(2)) {
      ddl.add("CREATE TRIGGER fu AFTER UPDATE" + on + drop + add + " END");
    } else {
      ddl.add("CREATE TRIGGER fb BEFORE UPDATE" + on + drop + " END");
      ddl.add("CREATE TRIGGER fu AFTER UPDATE" + on + add + " END");
    }
    for (String word : List.of("a", "b", "c", "1")) {
      searches.add("SELECT rowid FROM f WHERE f MATCH '\"" + word + "\"' ORDER BY rowid");
    }
  }

  private void triggers() {
    int count = dice.below(3);
    for (int i = 0; i < count; i++) {
      RandomTable on = dice.of(tables);
      RandomTable to = dice.of(tables);
      String event = dice.pick("INSERT", "UPDATE", "UPDATE OF " + dice.of(on.columns), "DELETE");
      String row = event.equals("DELETE") ? "OLD" : "NEW";
      ddl.add(
          "CREATE TRIGGER \"x "
              + i
              + "\" "
              + dice.pick("BEFORE ", "AFTER ", "AFTER ")
              + event
              + " ON "
              + on.name
              + (dice.oneIn(3) ? " WHEN " + row + "." + on.stored.get(0) + " IN (1,2,'a')" : "")
              + " BEGIN "
              + body(to, row, on)
              + "; END");
    }
  }

  private String body(RandomTable to, String row, RandomTable on) {
    String value = row + "." + dice.of(on.columns);
    String column = to.stored.get(to.stored.size() - 1);
    return switch (dice.below(6)) {
      case 0 -> "DELETE FROM " + to.name + " WHERE k=" + value;
      case 1 ->
          "UPDATE"
              + dice.pick("", " OR IGNORE", " OR REPLACE")
              + " "
              + to.name
              + " SET "
              + column
              + "="
              + value
              + " WHERE k IN (1,2,'b')";
      case 2 ->
          "SELECT RAISE("
              + dice.pick("IGNORE", "ABORT,'no'", "FAIL,'no'", "ROLLBACK,'no'")
              + ") WHERE "
              + value
              + "=3";
      case 3 ->
          "REPLACE INTO " + to.name + "(k," + column + ") VALUES(" + dice.key() + "," + value + ")";
      default ->
          "INSERT OR IGNORE INTO "
              + to.name
              + "(k,"
              + column
              + ") VALUES("
              + value
              + "||'x',"
              + dice.value()
              + ")";
    };
  }

  private void view() {
    RandomTable table = dice.of(tables);
    String column = table.stored.get(1);
    ddl.add("CREATE VIEW v AS SELECT k, " + column + " AS c FROM " + table.name);
    ddl.add(
        "CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT OR REPLACE INTO "
            + table.name
            + "(k,"
            + column
            + ") VALUES(NEW.k,NEW.c); END");
    ddl.add(
        "CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN DELETE FROM "
            + table.name
            + " WHERE k=OLD.k; END");
    ddl.add(
        "CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN UPDATE "
            + table.name
            + " SET "
            + column
            + "=NEW.c WHERE k=OLD.k; END");
    views.add("v");
  }
}
