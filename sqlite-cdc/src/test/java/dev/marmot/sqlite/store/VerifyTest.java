package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.RowImage;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparing nodes by hashes, finding the rows that differ, and sending them again. */
final class VerifyTest {
  @TempDir Path directory;
  private Replica a = opened();
  private Replica b = opened();

  @SuppressWarnings("NullAway")
  private static Replica opened() {
    return null;
  }

  @BeforeEach
  void open() throws SQLException {
    a = Replica.open(directory, 1, "CREATE TABLE t(k TEXT PRIMARY KEY, v, w)", "CREATE TABLE n(v)");
    b = Replica.open(directory, 2, "CREATE TABLE T(w, v, k TEXT PRIMARY KEY)", "CREATE TABLE n(v)");
    a.run(
        "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM i WHERE i<500)"
            + " INSERT INTO t SELECT 'key'||i, i, NULL FROM i",
        "INSERT INTO n VALUES(1),(2.5)");
    a.publish(b);
  }

  @AfterEach
  void close() throws SQLException {
    a.close();
    b.close();
  }

  private static Set<Long> undecided(Reading... readings) {
    Set<Long> all = new HashSet<>();
    for (Reading reading : readings) {
      all.addAll(reading.undecided());
    }
    return all;
  }

  @Test
  void equalFiles_haveEqualHashes_whateverIsPendingOrParked_whileWritesGoOn() throws Exception {
    a.run("UPDATE t SET v='pending' WHERE k='key7'", "INSERT INTO n VALUES('pending')");
    b.run("DELETE FROM t WHERE k='key9'");
    RowImage parked = image(a, "key11");
    try (ApplyTransaction transaction = a.store.begin()) {
      transaction.delete(parked);
      transaction.park(parked, 1);
      transaction.commit();
    }
    try (Reading one = a.store.openRead();
        Reading two = b.store.openRead()) {
      a.run("UPDATE t SET v='later'");
      Set<Long> without = undecided(one, two);
      TableHashes mine = one.hashes(without);
      assertThat(without).hasSize(3);
      assertThat(mine.position()).isEqualTo(one.state().position()).isZero();
      assertThat(mine.differing(two.hashes(without))).isEmpty();
      assertThat(mine.tables().values()).extracting(TableHashes.TableHash::rows).contains(498L, 2L);
      assertThat(one.hashes(Set.of()).differing(two.hashes(Set.of()))).hasSize(2);
    }
  }

  private static RowImage image(Replica replica, String key) {
    List<RowImage> found = new ArrayList<>();
    try (Reading reading = replica.store.openRead()) {
      for (int bucket = 0; bucket < TableHashes.BUCKETS; bucket++) {
        reading.rows("t", bucket, found::add);
      }
    }
    return found.stream()
        .filter(row -> new String(text(row), java.nio.charset.StandardCharsets.UTF_8).equals(key))
        .findFirst()
        .orElseThrow();
  }

  private static byte[] text(RowImage row) {
    return ((dev.marmot.sqlite.SqliteValue.Text) row.key().get(0)).bytes();
  }

  @Test
  void differingRows_areFoundInTheirBuckets_andSentAgain() throws Exception {
    b.run(
        "BEGIN IMMEDIATE",
        "CREATE TEMP TABLE newest AS SELECT ifnull(max(seq),0) AS seq FROM __marmot_change_log",
        "UPDATE t SET v='other' WHERE k='key7'",
        "UPDATE n SET v=1.0 WHERE v=1",
        "INSERT INTO t(k) VALUES('only here')",
        "DELETE FROM t WHERE k='key9'",
        "DELETE FROM __marmot_change_log WHERE seq>(SELECT seq FROM newest)",
        "COMMIT");
    List<RowImage> rows = new ArrayList<>();
    try (Reading one = a.store.openRead();
        Reading two = b.store.openRead()) {
      Map<String, int[]> differing = one.hashes(Set.of()).differing(two.hashes(Set.of()));
      assertThat(differing).containsOnlyKeys("t", "n");
      differing.forEach(
          (table, buckets) -> {
            for (int bucket : buckets) {
              Map<Long, String> theirs = new java.util.HashMap<>();
              Map<Long, RowImage> images = new java.util.HashMap<>();
              two.rows(
                  table,
                  bucket,
                  row -> {
                    theirs.put(row.keyHash(), two.hash(row));
                    images.put(row.keyHash(), row);
                  });
              one.rows(
                  table,
                  bucket,
                  row -> {
                    if (!one.hash(row).equals(theirs.remove(row.keyHash()))) {
                      rows.add(row);
                    }
                  });
              theirs.keySet().forEach(hash -> rows.add(images.get(hash)));
            }
          });
    }
    assertThat(rows).hasSize(4);

    assertThat(a.store.resend(rows)).isEqualTo(4);

    CapturedChanges changes = a.capture().orElseThrow();
    assertThat(changes.rows()).hasSize(4).allMatch(RowImage::over);
    a.publish(b);
    try (Reading one = a.store.openRead();
        Reading two = b.store.openRead()) {
      assertThat(one.hashes(Set.of())).isEqualTo(two.hashes(Set.of()));
    }
  }
}
