package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.InstallTransaction;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TablePatterns;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random schemas and statements: a snapshot of one file, made while changes are pending in it, is
 * installed in another file that has diverged and has pending changes, too.
 */
final class RandomInstallTest {
  private static final int SEEDS = Integer.getInteger("seeds", 6);

  @TempDir Path directory;

  @Test
  void installedFile_equalsTheSnapshot_exceptForPendingRows() throws Exception {
    long first = Long.getLong("seed", 0);
    for (long seed = first; seed < first + SEEDS; seed++) {
      try {
        run(seed);
      } catch (AssertionError | RuntimeException | java.sql.SQLException e) {
        throw new AssertionError("seed=" + seed, e);
      }
    }
  }

  private void run(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Path place = Files.createDirectory(directory.resolve("s" + seed));
    List<String> schema = RandomReplicationTest.schema(random);
    try (Replica a = Replica.open(place, 1, schema.toArray(String[]::new));
        Replica b = Replica.open(place, 2, schema.toArray(String[]::new))) {
      write(a, random, 20);
      a.publish(b);
      write(a, random, 20);
      a.publish();
      write(b, random, random.nextInt(8));
      b.publish();
      for (int round = 0; round < 2; round++) {
        write(a, random, random.nextInt(10));
        SqliteSnapshot snapshot = snapshot(a);
        assertThat(snapshot.digests(TablePatterns.NONE)).isEqualTo(a.store.digests());
        write(b, random, random.nextInt(3) * random.nextInt(5));
        install(a, b, snapshot, random.nextBoolean());
      }
    }
  }

  private static void write(Replica replica, SplittableRandom random, int statements)
      throws Exception {
    for (int i = 0; i < statements; i++) {
      RandomReplicationTest.tryRun(replica, RandomReplicationTest.statement(random));
    }
  }

  /** The pending rows of the donor come with its next change set. */
  private static SqliteSnapshot snapshot(Replica a) {
    try (StagedReplica staged = a.store.stage()) {
      Optional<CapturedChanges> tail = a.capture();
      if (staged.leftOut().length > 0) {
        CapturedChanges changes = tail.orElseThrow();
        assertThat(changes.rows().stream().mapToLong(RowImage::keyHash))
            .contains(LongStream.of(staged.leftOut()).boxed().toArray(Long[]::new));
        a.applyTo(staged.store(), changes);
      }
      a.publish();
      SqliteSnapshot sealed = (SqliteSnapshot) staged.seal();
      assertThat(sealed.state().last()).isEqualTo(a.store.state().last());
      return SqliteSnapshot.open(sealed.path());
    }
  }

  private static void install(Replica a, Replica b, SqliteSnapshot snapshot, boolean late)
      throws Exception {
    Map<String, String> before = rows(b.application);
    long file = b.store.state().file();
    Set<String> pending = pending(b);
    if (late) {
      try (InstallTransaction transaction = b.install(snapshot)) {
        assertThat(transaction.pending()).hasSameSizeAs(pending);
      }
      assertThat(rows(b.application)).as("rolled back").isEqualTo(before);
    }
    try (InstallTransaction transaction = b.install(snapshot)) {
      transaction.commit();
    }
    assertThat(b.store.state().position()).isEqualTo(a.store.state().position());
    assertThat(b.store.state().file()).isEqualTo(file);
    assertThat(pending(b)).isEqualTo(pending);
    Map<String, String> wanted = rows(a.application);
    Map<String, String> got = rows(b.application);
    Set<String> parked = parked(b);
    Set<String> keys = new HashSet<>(wanted.keySet());
    keys.addAll(got.keySet());
    for (String key : keys) {
      if (pending.contains(key)) {
        assertThat(got.get(key)).isEqualTo(before.get(key));
      } else if (parked.contains(key)) {
        assertThat(got).doesNotContainKey(key);
        assertThat(wanted).containsKey(key);
      } else {
        assertThat(got.get(key)).as(key).isEqualTo(wanted.get(key));
      }
    }
    assertThat(b.query("PRAGMA integrity_check")).isEqualTo("ok");
    assertThat(b.query("SELECT count(*) FROM __marmot_guard")).isEqualTo("0");
    assertThat(b.query("SELECT count(*) FROM __marmot_held")).isEqualTo("0");
    if (pending.isEmpty()) {
      assertThat(b.store.digests()).isEqualTo(snapshot.digests(TablePatterns.NONE));
    }
  }

  private static Set<String> pending(Replica replica) {
    return replica.capture().map(CapturedChanges::rows).orElse(List.of()).stream()
        .map(RandomInstallTest::name)
        .collect(Collectors.toSet());
  }

  private static Set<String> parked(Replica replica) {
    try (var transaction = replica.store.begin()) {
      return transaction.parked().stream()
          .map(parked -> name(parked.image()))
          .collect(Collectors.toSet());
    }
  }

  private static String name(RowImage image) {
    return image.table() + image.keyHash();
  }

  /** Rows by table and hash of the key. */
  private static Map<String, String> rows(Connection connection) throws Exception {
    Map<String, String> rows = new TreeMap<>();
    DatabaseSchema schema = new SchemaReader().read(connection);
    for (TableSchema table : schema.tables().values()) {
      CanonicalKey keys = new CanonicalKey(table, schema.encoding());
      try (TableReader reader = new TableReader(connection, table, 1 << 20);
          Query query = new Query(connection, reader.selectAll())) {
        query.forEach(
            row -> {
              StoredRow stored = reader.read(row);
              if (!stored.key().contains(SqliteValue.Null.NULL)) {
                long hash = keys.keyHash(keys.encode(stored.key()));
                rows.put(table.name() + hash, text(stored.key()) + text(stored.values()));
              }
            });
      }
    }
    return rows;
  }

  private static String text(List<SqliteValue> values) {
    return values.stream().map(RandomInstallTest::text).toList().toString();
  }

  private static String text(SqliteValue value) {
    if (value instanceof SqliteValue.Text text) {
      return "T" + java.util.HexFormat.of().formatHex(text.bytes());
    }
    if (value instanceof SqliteValue.Blob blob) {
      return "B" + java.util.HexFormat.of().formatHex(blob.bytes());
    }
    return value.toString();
  }
}
