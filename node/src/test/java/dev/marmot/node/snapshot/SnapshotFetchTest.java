package dev.marmot.node.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.marmot.node.snapshot.SnapshotFetch.Start;
import dev.marmot.proto.v1.SnapshotBlock;
import dev.marmot.proto.v1.SnapshotBlockRequest;
import dev.marmot.proto.v1.SnapshotManifest;
import dev.marmot.proto.v1.SnapshotReply;
import dev.marmot.sqlite.StagedReplica;
import dev.marmot.sqlite.store.PageCopy;
import dev.marmot.sqlite.store.SqliteReplicaStore;
import dev.marmot.sqlite.store.SqliteSnapshot;
import dev.marmot.sqlite.store.StoreOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotFetchTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  @TempDir private Path directory;
  private Path live;
  private SqliteReplicaStore store;
  private StagedReplica staged;
  private Donor donor;
  private Path incoming;

  @BeforeEach
  void makeSnapshot() throws SQLException, IOException {
    live = directory.resolve("live.db");
    sql(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000)"
            + " INSERT INTO t SELECT i, randomblob(1000) FROM n");
    store = SqliteReplicaStore.open(live, StoreOptions.defaults("one"));
    staged = store.stage();
    donor = new Donor(((SqliteSnapshot) staged.seal()).path());
    incoming = directory.resolve("incoming");
  }

  @AfterEach
  void close() throws IOException {
    donor.file.close();
    staged.close();
    store.close();
  }

  private void sql(String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + live);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  @Test
  void everyBlockIsSentOnce_andTheFileIsThatOfTheDonor() throws Exception {
    SqliteSnapshot fetched = new SnapshotFetch(donor, incoming, Start.EMPTY).fetch(-1, LIMIT);

    assertThat(donor.asked).hasSize(donor.blocks()).doesNotHaveDuplicates();
    assertThat(donor.blocks()).isGreaterThan(10);
    assertThat(Files.mismatch(fetched.path(), donor.path)).isEqualTo(-1);
  }

  @Test
  void afterABreak_whatCameIsNotSentAgain() throws Exception {
    donor.breaksAfter = 7;
    assertThatThrownBy(() -> new SnapshotFetch(donor, incoming, Start.EMPTY).fetch(-1, LIMIT))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("broken");
    donor.breaksAfter = Integer.MAX_VALUE;
    donor.asked.clear();

    SqliteSnapshot fetched = new SnapshotFetch(donor, incoming, Start.EMPTY).fetch(-1, LIMIT);

    assertThat(donor.asked).hasSizeBetween(donor.blocks() - 7, donor.blocks() - 4);
    assertThat(Files.mismatch(fetched.path(), donor.path)).isEqualTo(-1);
  }

  @Test
  void fromAnOlderCopyOfTheFile_onlyWhatDiffersIsSent() throws Exception {
    Path copy = directory.resolve("copy.db");
    PageCopy.copy(live, copy);
    sql("UPDATE t SET v=zeroblob(1000) WHERE id=2000");
    try (StagedReplica newer = store.stage()) {
      try (Donor changed = new Donor(((SqliteSnapshot) newer.seal()).path())) {
        SqliteSnapshot fetched =
            new SnapshotFetch(changed, incoming, target -> Files.copy(copy, target))
                .fetch(-1, LIMIT);

        // The row, Marmot's own tables, the file's header.
        assertThat(changed.asked).hasSizeBetween(1, 6);
        assertThat(Files.mismatch(fetched.path(), changed.path)).isEqualTo(-1);
      }
    }
  }

  @Test
  void damagedBlock_isRefused() {
    donor.damages = 3;

    assertThatThrownBy(() -> new SnapshotFetch(donor, incoming, Start.EMPTY).fetch(-1, LIMIT))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("block 3 of the snapshot came damaged");
  }

  @Test
  void donorWaitsUntilItsWritesAreOrdered_isTold_thenTheSnapshotComes() throws Exception {
    donor.waits = true;
    List<Long> told = new ArrayList<>();
    SnapshotFetch fetch =
        new SnapshotFetch(donor, incoming, Start.EMPTY)
            .whileDonorWaits(
                Duration.ZERO,
                position -> {
                  told.add(position);
                  donor.waits = told.size() < 2; // they are
                });

    assertThat(fetch.fetch(-1, LIMIT).path()).exists();
    assertThat(told).containsExactly(77L, 77L);
  }

  /** Answers from a file as a donor does. */
  private static final class Donor implements SnapshotFetch.Caller, AutoCloseable {
    private final Path path;
    private final FileChannel file;
    private final SnapshotManifest manifest;
    private final List<Long> asked = new ArrayList<>();
    private int breaksAfter = Integer.MAX_VALUE;
    private int damages = -1;
    private boolean waits;

    Donor(Path path) throws IOException {
      this.path = path;
      this.file = FileChannel.open(path);
      this.manifest =
          SnapshotManifest.newBuilder()
              .setFormat(1)
              .setId("one")
              .setSize(file.size())
              .setBlockSize(Blocks.SIZE)
              .addAllBlockChecksums(Blocks.checksums(file))
              .build();
    }

    int blocks() {
      return manifest.getBlockChecksumsCount();
    }

    @Override
    public CompletionStage<ByteString> call(String method, ByteString request, Duration timeout) {
      try {
        return CompletableFuture.completedFuture(
            method.equals("snapshot")
                ? reply().toByteString()
                : block(SnapshotBlockRequest.parseFrom(request).getNumber()).toByteString());
      } catch (IOException e) {
        return CompletableFuture.failedFuture(e);
      }
    }

    private SnapshotReply reply() {
      return waits
          ? SnapshotReply.newBuilder().setWaiting(true).setPosition(77).build()
          : SnapshotReply.newBuilder().setManifest(manifest).build();
    }

    private SnapshotBlock block(long number) throws IOException {
      if (asked.size() >= breaksAfter) {
        throw new IOException("broken");
      }
      asked.add(number);
      SnapshotBlock block = Blocks.pack(number, Blocks.read(file, number));
      return number == damages ? Blocks.pack(number, new byte[Blocks.SIZE]) : block;
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
