package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random schemas and statements on one file; the other file must become equal. */
final class RandomReplicationTest {
  private static final int SEEDS = Integer.getInteger("seeds", 8);
  private static final List<String> VALUES =
      List.of(
          "NULL",
          "1",
          "1.0",
          "-0.0",
          "'1'",
          "'a'",
          "'A'",
          "'a '",
          "x'61'",
          "x''",
          "''",
          "9007199254740993",
          "9007199254740992.0",
          "9e999",
          "CAST(x'c328ff' AS TEXT)",
          "CAST(x'610062' AS TEXT)",
          "9223372036854775807",
          "3.5");

  @TempDir Path directory;

  @Test
  void randomStatements_makeEqualFiles() throws Exception {
    long first = Long.getLong("seed", 0);
    for (long seed = first; seed < first + SEEDS; seed++) {
      try {
        run(seed);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed=" + seed, e);
      }
    }
  }

  private void run(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Path place = Files.createDirectory(directory.resolve("s" + seed));
    List<String> schema = schema(random);
    try (Replica a = Replica.open(place, 1, schema.toArray(String[]::new));
        Replica b = Replica.open(place, 2, schema.toArray(String[]::new))) {
      for (int round = 0; round < 8; round++) {
        Replica from = random.nextInt(3) == 0 ? b : a;
        Replica to = from == a ? b : a;
        for (int i = 0; i < 12; i++) {
          tryRun(from, statement(random));
        }
        if (random.nextInt(5) == 0) {
          to.reopen();
        }
        from.publish(to);
        assertThat(to.store.digests()).as("schema %s", schema).isEqualTo(from.store.digests());
        assertThat(to.query("PRAGMA integrity_check")).isEqualTo("ok");
        assertThat(to.capture()).isEmpty();
      }
      assertThat(b.store.warnings()).filteredOn(w -> w.contains("held")).isEmpty();
    }
  }

  /** Some statements break a constraint of the application's: then nothing happened. */
  static void tryRun(Replica replica, String sql) {
    try {
      replica.run(sql);
    } catch (SQLException e) {
      assertThat(e.getErrorCode() & 0xff).as(sql + ": " + e.getMessage()).isIn(13, 19, 20);
    }
  }

  static List<String> schema(SplittableRandom random) {
    List<String> schema = new ArrayList<>();
    if (random.nextInt(4) == 0) {
      schema.add("PRAGMA encoding='UTF-16be'");
    }
    for (String table : List.of("t", "u")) {
      String type = pick(random, "", "TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC");
      String collate = pick(random, "", " COLLATE NOCASE", " COLLATE RTRIM");
      String key =
          pick(
              random,
              "k INTEGER PRIMARY KEY",
              "k INTEGER PRIMARY KEY AUTOINCREMENT",
              "k " + type + collate + " NOT NULL PRIMARY KEY",
              "k " + type + collate + " NOT NULL",
              "k INTEGER NOT NULL PRIMARY KEY DESC");
      String unique = pick(random, "", "", ", UNIQUE(a)", ", UNIQUE(a, b)");
      String keys = key.contains("PRIMARY") || random.nextBoolean() ? "" : ", PRIMARY KEY(k, a)";
      boolean without =
          (key.contains("PRIMARY") || !keys.isEmpty())
              && !key.contains("AUTO")
              && random.nextInt(3) == 0;
      schema.add(
          "CREATE TABLE "
              + table
              + "("
              + key
              + ", a "
              + pick(random, "", "TEXT", "INTEGER")
              + pick(random, "", " COLLATE NOCASE")
              + (keys.isEmpty() ? "" : " NOT NULL")
              + ", b, g AS (b||'g')"
              + keys
              + unique
              + ")"
              + (without ? " WITHOUT ROWID" : ""));
      if (random.nextInt(3) == 0) {
        schema.add("CREATE UNIQUE INDEX " + table + "p ON " + table + "(b) WHERE a=1");
      }
      if (random.nextInt(4) == 0) {
        schema.add("CREATE UNIQUE INDEX " + table + "e ON " + table + "(typeof(a), upper(b))");
      }
    }
    if (random.nextInt(3) == 0) {
      schema.add(
          "CREATE TRIGGER x AFTER UPDATE ON t BEGIN INSERT OR IGNORE INTO u(k,a,b)"
              + " VALUES(NEW.k, NEW.a, OLD.b); END");
    }
    return schema;
  }

  static String statement(SplittableRandom random) {
    String table = pick(random, "t", "u");
    String or = pick(random, "", " OR REPLACE", " OR IGNORE", " OR REPLACE");
    String key = random.nextInt(3) == 0 ? value(random) : String.valueOf(random.nextInt(6));
    return switch (random.nextInt(7)) {
      case 0, 1, 2 ->
          "INSERT%s INTO %s(k,a,b) VALUES(%s,%s,%s)"
              .formatted(or, table, key, value(random), value(random));
      case 3 -> "UPDATE%s %s SET k=%s WHERE k=%s".formatted(or, table, key, value(random));
      case 4 ->
          "UPDATE%s %s SET a=%s, b=%s WHERE k=%s"
              .formatted(or, table, value(random), value(random), key);
      case 5 -> "UPDATE%s %s SET b=a, a=b".formatted(or, table);
      default -> "DELETE FROM %s WHERE k=%s".formatted(table, key);
    };
  }

  private static String value(SplittableRandom random) {
    return VALUES.get(random.nextInt(VALUES.size()));
  }

  private static String pick(SplittableRandom random, String... options) {
    return options[random.nextInt(options.length)];
  }
}
