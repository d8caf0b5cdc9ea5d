package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.doctor.Doctor;
import dev.marmot.sqlite.doctor.Report;
import dev.marmot.sqlite.schema.TablePatterns;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** A file whose indexes need what only the application has is not damaged. */
final class SoundnessTest extends WithReplicas {
  private static final String APPLICATION =
      """
      import sqlite3, sys
      db = sqlite3.connect(sys.argv[1])
      db.create_collation("german", lambda a, b: (a > b) - (a < b))
      db.create_function("soundex_de", 1, lambda v: str(v)[:1], deterministic=True)
      db.executescript(\"\"\"
        CREATE TABLE town(name TEXT COLLATE german);
        CREATE INDEX town_name ON town(name);
        CREATE TABLE person(name TEXT);
        CREATE INDEX person_sound ON person(soundex_de(name));
        CREATE TABLE t(k TEXT PRIMARY KEY, v);
        INSERT INTO town VALUES('Ulm'),('Aalen');
        INSERT INTO person VALUES('Maier');
        INSERT INTO t VALUES('a',1);
      \"\"\")
      db.commit()
      """;

  private Path made(int node) throws IOException, InterruptedException {
    Path file = directory.resolve("node" + node + ".db");
    Process python =
        new ProcessBuilder("python3", "-c", APPLICATION, file.toString())
            .redirectErrorStream(true)
            .start();
    String out = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(python.waitFor()).as(out).isZero();
    return file;
  }

  private static SqliteSnapshot snapshot(Replica replica) {
    try (StagedReplica staged = replica.store.stage()) {
      return SqliteSnapshot.open(((SqliteSnapshot) staged.seal()).path());
    }
  }

  @Test
  void indexesOnlyTheApplicationCanRead_areNoDamage() throws Exception {
    made(1);
    made(2);
    Replica a = open(1);
    Replica b = open(2);
    a.run("INSERT INTO t VALUES('b',2)");
    a.publish();

    SqliteSnapshot snapshot = snapshot(a);
    try (InstallTransaction install = b.install(snapshot)) {
      install.commit();
    }

    assertThat(b.query("SELECT group_concat(k) FROM t")).isEqualTo("a,b");
    Path kept = Adoption.keepAside(b.file, Instant.EPOCH);
    assertThat(DatabaseDigest.ofFile(kept, TablePatterns.NONE)).isEqualTo(b.store.digests());
  }

  @Test
  void doctor_tellsWhatItCannotCheckFromDamage() throws Exception {
    Report report =
        new Doctor(TablePatterns.of(java.util.List.of("town", "person")), true).examine(made(1));
    assertThat(report.facts()).containsEntry("quick_check", "ok");
    assertThat(report.replicated()).containsExactly("t");
    assertThat(report.replicates()).isTrue();
    assertThat(report.findings())
        .extracting(f -> f.subject() + ": " + f.what())
        .contains(
            "table town: it was not checked for damage, since only the application can (no such"
                + " collation sequence: german)");
  }

  @Test
  void damageBesidesThem_isFound() throws Exception {
    Path file = made(1);
    long page;
    try (Replica a = Replica.open(directory, 1)) {
      page = Long.parseLong(a.query("SELECT rootpage FROM sqlite_schema WHERE name='t'"));
      a.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek((page - 1) * 4096 + 8);
      bytes.write(new byte[] {0, 1, 0, 1});
    }
    assertThat(new Doctor(TablePatterns.NONE, true).examine(file).findings().get(0).what())
        .startsWith("it is damaged");
    assertThatThrownBy(() -> SqliteSnapshot.checkUndamaged(file))
        .hasMessageContaining("it is damaged");
  }
}
