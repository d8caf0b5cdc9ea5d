package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.schema.Sql;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tables and columns may bear any name, those too that mean something to SQL or that Marmot's own
 * statements use.
 */
final class NamesTest extends WithReplicas {
  /** Every name is a table's, and a column's of that table. */
  private static final List<String> NAMES =
      List.of(
          "excluded",
          "new",
          "old",
          "main",
          "temp",
          "temporary",
          "rowid",
          "_rowid_",
          "oid",
          "select",
          "table",
          "index",
          "order",
          "group",
          "values",
          "set",
          "where",
          "null",
          "true",
          "current_timestamp",
          "raise",
          "begin",
          "end",
          "trigger",
          "conflict",
          "do",
          "nothing",
          "returning",
          "replace",
          "cast",
          "t",
          "m",
          "s",
          "d",
          "n",
          "r",
          "x",
          "op",
          "mr",
          "k0",
          "k1",
          "x0",
          "seq",
          "tbl",
          "position",
          "image",
          "__marmot",
          "__marmotx",
          "_marmot_new",
          "sqlitex",
          "",
          " ",
          "a b",
          "a.b",
          "main.t",
          "it's",
          "say \"so\"",
          "[x]",
          "`x`",
          "a;b",
          "--",
          "/*",
          "?1",
          ":a",
          "@b",
          "$c",
          "%s",
          "%1$s",
          "ä",
          "🙂",
          "1",
          "-");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%k INTEGER PRIMARY KEY, %c UNIQUE, v, live",
        "%k TEXT COLLATE NOCASE PRIMARY KEY, %c UNIQUE, v, live",
        "%k, %c UNIQUE, v, live",
        "%k, %c UNIQUE, v, live, PRIMARY KEY(%k, v)",
        "%k TEXT PRIMARY KEY, %c UNIQUE, v, live) WITHOUT ROWID --"
      })
  void everyNameForTablesAndColumns(String columns) throws SQLException {
    List<String> schema = new ArrayList<>();
    for (String name : NAMES) {
      schema.add(named("CREATE TABLE %t(" + columns + ")", name));
      // The condition of a partial index may name its table.
      schema.add(
          named("CREATE UNIQUE INDEX %i ON %t(lower(v)||%c) WHERE %t.live IS NOT NULL", name)
              .replace("%i", Sql.quote("index of " + name)));
    }
    String[] texts = schema.toArray(String[]::new);
    try (Pair pair = new Pair(directory, texts)) {
      everywhere(pair, "INSERT INTO %t(%k,%c,v,live) VALUES(1,'a','x',1),(2,'b','y',2)");
      everywhere(pair, "INSERT INTO %t(%k,%c,v,live) VALUES(3,'c','z',NULL)");
      assertThat(pair.a.query("SELECT count(*) FROM __marmot_note"))
          .as("probes note what collides, and nothing did")
          .isEqualTo("0");
      everywhere(pair, "UPDATE %t SET v=v||'!', live=7 WHERE %k=1");
      everywhere(pair, "UPDATE OR REPLACE %t SET %c='a' WHERE %k=3");
      everywhere(pair, "INSERT OR REPLACE INTO %t(%k,%c,v,live) VALUES(4,'b','q',1)");
      everywhere(pair, "UPDATE %t SET %k=5 WHERE %k=4");
      for (String name : NAMES) {
        assertThat(pair.query(named("SELECT %k,%c,v FROM %t ORDER BY 1", name)))
            .as(name)
            .isEqualTo("3|a|z\n5|b|q");
      }
      repaired(pair);
      installed(pair, texts);
      everywhere(pair, "DELETE FROM %t WHERE %k=5");
    }
  }

  /** What is not known as Marmot's would be replicated, and no cleanup would remove it. */
  @Test
  void whateverMarmotMakes_isKnownAsItsOwn() throws SQLException {
    Replica a =
        open(1, "CREATE TABLE t(k TEXT PRIMARY KEY, u UNIQUE)", "CREATE TABLE n(v, w, u UNIQUE)");
    String names =
        a.query(
            "SELECT name FROM sqlite_schema WHERE name GLOB '__marmot*' AND sql IS NOT NULL"
                + " ORDER BY 1");
    assertThat(names.lines()).hasSizeGreaterThan(20).allMatch(Sql::isOwn);
  }

  private static void everywhere(Pair pair, String statement) throws SQLException {
    pair.together(NAMES.stream().map(name -> named(statement, name)).toArray(String[]::new));
  }

  private static String named(String statement, String name) {
    return statement
        .replaceAll("%([kct])", "\u0000$1")
        .replace("\u0000k", key(name))
        .replace("\u0000c", Sql.quote(name))
        .replace("\u0000t", Sql.quote(name));
  }

  /** A name that no table has. */
  private static String key(String name) {
    return Sql.quote("key of " + name);
  }

  private static void repaired(Pair pair) throws SQLException {
    List<RowImage> rows = new ArrayList<>();
    try (Reading reading = pair.a.store.openRead()) {
      for (String name : NAMES) {
        for (int bucket = 0; bucket < TableHashes.BUCKETS; bucket++) {
          reading.rows(name, bucket, rows::add);
        }
      }
      assertThat(reading.hashes(Set.of()).tables()).hasSizeGreaterThan(50);
    }
    assertThat(pair.a.store.resend(rows)).isEqualTo(rows.size());
    pair.a.publish(pair.b);
    pair.assertEqual("rows sent again");
  }

  private void installed(Pair pair, String[] schema) throws SQLException {
    Replica c = open(3, schema);
    for (String name : NAMES) {
      c.run(named("INSERT INTO %t(%k,%c,v,live) VALUES(3,'b','other',1),(9,'z','z',2)", name));
    }
    c.publish();
    try (StagedReplica staged = pair.a.store.stage();
        InstallTransaction install = c.install(SqliteSnapshot.open(path(staged)))) {
      install.commit();
    }
    assertThat(c.store.digests()).isEqualTo(pair.a.store.digests());
  }

  private static java.nio.file.Path path(StagedReplica staged) {
    return ((SqliteSnapshot) staged.seal()).path();
  }
}
