package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ApplyTransaction.WriteResult;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.Conflict.Reason;
import dev.marmot.sqlite.ConflictHead;
import dev.marmot.sqlite.HeldRow;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Conflicts and held rows: kept, listed, counted, found again under another schema. */
final class AsideTest extends WithReplicas {
  private static final String TABLE = "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v)";

  private static List<HeldRow> held(Replica replica) {
    List<HeldRow> all = new ArrayList<>();
    replica.store.held(0, all::add);
    return all;
  }

  @Test
  void conflicts_areListedInOrder_fromAnId_untilEnough() throws SQLException {
    Replica a = open(1, TABLE);
    a.run("INSERT INTO t VALUES('a',1),('b',2),('c',3)");
    List<RowImage> images = a.capture().orElseThrow().rows();
    assertThat(a.store.asideCounts()).isEqualTo(new AsideCounts(0, 0, 0, 0));
    try (ApplyTransaction transaction = a.store.begin()) {
      for (RowImage image : images) {
        transaction.conflict(new Conflict(image, 2, 3, 41, Reason.OVERWRITTEN));
      }
      transaction.commit();
    }

    List<LoggedConflict> found = new ArrayList<>();
    a.store.conflicts(
        1,
        logged -> {
          found.add(logged);
          return false;
        });

    assertThat(a.store.asideCounts()).isEqualTo(new AsideCounts(3, 3, 0, 0));
    assertThat(found)
        .singleElement()
        .satisfies(
            logged -> {
              assertThat(logged.id()).isEqualTo(2);
              assertThat(logged.conflict())
                  .isEqualTo(new Conflict(images.get(1), 2, 3, 41, Reason.OVERWRITTEN));
              assertThat(logged.timeMillis()).isPositive();
            });
    assertThat(a.store.charset()).isEqualTo(StandardCharsets.UTF_8);
  }

  @Test
  void conflictLog_keepsTheNewest_andItsLengthIsRight() throws SQLException {
    Path file = directory.resolve("small.db");
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = application.createStatement()) {
      statement.execute(TABLE);
      StoreOptions options =
          new StoreOptions(
              "n1",
              TablePatterns.NONE,
              2,
              Duration.ofSeconds(1),
              Clock.fixed(Instant.ofEpochMilli(77), ZoneOffset.UTC));
      try (SqliteReplicaStore store = SqliteReplicaStore.open(file, options)) {
        statement.execute("INSERT INTO t VALUES('a',1)");
        RowImage image = store.capture(0, Replica.ALL).orElseThrow().rows().get(0);
        for (int position : new int[] {1, 5, 2, 4, 3, 5}) {
          try (ApplyTransaction transaction = store.begin()) {
            transaction.conflict(new Conflict(image, 2, 3, position, Reason.DELETED));
            transaction.commit();
          }
        }
        List<LoggedConflict> kept = new ArrayList<>();
        store.conflicts(0, kept::add);
        assertThat(kept).extracting(LoggedConflict::id).containsExactly(2L, 4L);
        assertThat(kept).extracting(LoggedConflict::timeMillis).containsOnly(77L);
        assertThat(store.asideCounts().conflicts()).isEqualTo(2);
        assertThat(store.asideCounts().newestConflict()).isEqualTo(4);
      }
    }
  }

  /** What a node learns from two others is one event all the same. */
  @Test
  void conflict_isNotedOnce_andWhatOthersLackIsFound() throws SQLException {
    Replica a = open(1, TABLE);
    Replica b = open(2, TABLE);
    a.run("INSERT INTO t VALUES('a',1),('b',2)");
    List<RowImage> images = a.capture().orElseThrow().rows();
    Conflict first = new Conflict(images.get(0), 2, 3, 41, Reason.OVERWRITTEN);
    Conflict second = new Conflict(images.get(1), 2, 3, 41, Reason.OVERWRITTEN);
    for (Replica replica : List.of(a, b, a, b)) {
      try (ApplyTransaction transaction = replica.store.begin()) {
        transaction.conflict(first);
        if (replica == a) {
          transaction.conflict(second);
        }
        transaction.commit();
      }
    }

    List<ConflictHead> heads = a.store.conflictHeads(0, 10);
    assertThat(heads).hasSize(2).extracting(ConflictHead::position).containsOnly(41L);
    assertThat(a.store.conflictHeads(1, 10)).isEqualTo(heads.subList(1, 2));
    assertThat(b.store.lackingConflicts(heads)).isEqualTo(heads.subList(1, 2));
    assertThat(a.store.lackingConflicts(b.store.conflictHeads(0, 10))).isEmpty();
  }

  @Test
  void heldRow_isFoundByItsNextImage_alsoWhenTheTableCameInBetween() throws SQLException {
    Replica a = open(1, TABLE);
    Replica b = open(2, "CREATE TABLE other(x)");
    a.run("INSERT INTO t VALUES('Key',1)");
    a.publish(b);
    assertThat(held(b))
        .singleElement()
        .satisfies(
            row -> {
              assertThat(row.held().image().table()).isEqualTo("t");
              assertThat(row.held().origin()).isEqualTo(1);
              assertThat(row.held().reason()).contains("no such table");
              assertThat(row.sinceMillis()).isPositive();
            });

    b.run(TABLE);
    a.run("UPDATE t SET v=2, k='KEY'");
    RowImage next = a.capture().orElseThrow().rows().get(0);
    try (ApplyTransaction transaction = b.store.begin()) {
      assertThat(transaction.held(next)).isPresent();
      transaction.unhold(next);
      assertThat(transaction.held(next)).isEmpty();
      transaction.commit();
    }
    assertThat(held(b)).isEmpty();
    assertThat(b.store.asideCounts().held()).isZero();
  }

  @Test
  void heldSchema_changesWithTheSchema_andOnlyMattersWhileRowsAreHeld() throws SQLException {
    Replica a = open(1, TABLE);
    Replica b = open(2, "CREATE TABLE other(x)");
    assertThat(b.store.heldSchema()).isEmpty();
    a.run("INSERT INTO t VALUES('a',1)");
    a.publish(b);
    long before = b.store.heldSchema().orElseThrow();
    b.reopen();
    assertThat(b.store.heldSchema()).hasValue(before);

    b.run(TABLE);

    assertThat(b.store.heldSchema().orElseThrow()).isNotEqualTo(before);
    try (ApplyTransaction transaction = b.store.begin()) {
      Held held = transaction.heldBefore(Long.MAX_VALUE, 10).get(0);
      assertThat(transaction.write(held.image())).isEqualTo(WriteResult.Stored.STORED);
      transaction.unhold(held.image());
      transaction.commit();
    }
    assertThat(b.query("SELECT k,v FROM t")).isEqualTo("a|1");
    try (ApplyTransaction transaction = b.store.begin()) {
      assertThat(transaction.heldBefore(Long.MAX_VALUE, 10)).isEmpty();
    }
    assertThat(b.store.heldSchema()).isEmpty();
  }

  @Test
  void heldRows_areReadNewestFirst_inParts_andKeepTheirPlaceWithANewReason() throws SQLException {
    Replica a = open(1, TABLE);
    Replica b = open(2, "CREATE TABLE other(x)");
    for (String key : List.of("a", "b", "c")) {
      a.run("INSERT INTO t VALUES('" + key + "',1)");
      a.publish(b);
    }
    try (ApplyTransaction transaction = b.store.begin()) {
      List<Held> first = transaction.heldBefore(Long.MAX_VALUE, 2);
      List<Held> rest = transaction.heldBefore(first.get(1).id(), 2);
      assertThat(first).hasSize(2);
      assertThat(rest).hasSize(1);
      assertThat(first.get(0).id()).isGreaterThan(first.get(1).id());
      transaction.stillHeld(rest.get(0).image(), "another reason");
      assertThat(transaction.heldBefore(first.get(1).id(), 2))
          .containsExactly(new Held(rest.get(0).id(), rest.get(0).image(), 1, "another reason"));
      transaction.commit();
    }
    assertThat(held(b)).extracting(row -> row.held().reason()).contains("another reason");
  }

  @Test
  void localWriteOfAHeldKey_hasNotSeenTheHeldImage() throws SQLException {
    Replica a = open(1, TABLE);
    Replica b = open(2, "CREATE TABLE other(x)");
    a.run("INSERT INTO t VALUES('a',1)");
    a.publish(b);

    b.run(TABLE, "INSERT INTO t VALUES('A','mine'),('free','mine')");

    assertThat(b.capture().orElseThrow().rows())
        .extracting(RowImage::over)
        .containsExactly(true, false);
  }
}
