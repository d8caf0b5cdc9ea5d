package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.ApplyTransaction.Parked;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.codec.Slicer;
import dev.marmot.sqlite.schema.Sql;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Images that are not in their table: parked, held, lost; and the skipped keys. Confined to the
 * applier thread.
 *
 * <p>All of it is usually empty; then a look-up costs nothing.
 */
final class SetAside implements AutoCloseable {
  private static final long MOST_BYTES = 4 << 20;

  private final Clock clock;
  private final int conflictRows;
  private final List<Query> queries = new ArrayList<>();
  private final Query anything;
  private final Query parkedOne;
  private final Query parkedKeys;
  private final Query park;
  private final Query unpark;
  private final Query hide;
  private final Query hiddenOne;
  private final Query hiddenAll;
  private final Query hiddenOf;
  private final Query unhide;
  private final Map<String, Map<RowKey, RowImage>> hiddenRead = new HashMap<>();
  private final Query skip;
  private final Query unskip;
  private final Query skipped;
  private final Query hold;
  private final Query heldOne;
  private final Query heldBefore;
  private final Query unhold;
  private final Query stillHeld;
  private final Query addConflict;
  private final Query trimConflicts;
  private final Query countConflicts;
  private boolean anyParked;
  private boolean anyHidden;
  private boolean anySkipped;
  private boolean anyHeld;
  private boolean conflicts;

  SetAside(Connection connection, Clock clock, int conflictRows) throws SQLException {
    this.clock = clock;
    this.conflictRows = conflictRows;
    anything =
        query(
            connection,
            "SELECT EXISTS(SELECT 1 FROM main.__marmot_parked),"
                + " EXISTS(SELECT 1 FROM main.__marmot_skipped),"
                + " EXISTS(SELECT 1 FROM main.__marmot_held),"
                + " EXISTS(SELECT 1 FROM main.__marmot_hidden)");
    parkedOne =
        query(
            connection,
            "SELECT tbl,k,origin,image FROM main.__marmot_parked WHERE tbl=?1 AND k=?2");
    parkedKeys = query(connection, "SELECT tbl,k FROM main.__marmot_parked ORDER BY tbl,k");
    park = query(connection, "INSERT OR REPLACE INTO main.__marmot_parked VALUES(?1,?2,?3,?4)");
    unpark = query(connection, "DELETE FROM main.__marmot_parked WHERE tbl=?1 AND k=?2");
    hide = query(connection, "INSERT OR REPLACE INTO main.__marmot_hidden VALUES(?1,?2,?3)");
    hiddenOne = query(connection, "SELECT image FROM main.__marmot_hidden WHERE tbl=?1 AND k=?2");
    hiddenAll = query(connection, "SELECT image FROM main.__marmot_hidden ORDER BY tbl,k");
    hiddenOf = query(connection, "SELECT k,image FROM main.__marmot_hidden WHERE tbl=?1");
    unhide = query(connection, "DELETE FROM main.__marmot_hidden WHERE tbl=?1 AND k=?2");
    skip = query(connection, "INSERT OR IGNORE INTO main.__marmot_skipped VALUES(?1,?2)");
    unskip = query(connection, "DELETE FROM main.__marmot_skipped WHERE tbl=?1 AND k=?2");
    skipped = query(connection, "SELECT tbl,k FROM main.__marmot_skipped");
    hold = query(connection, "INSERT OR REPLACE INTO main.__marmot_held VALUES(?1,?2,?3,?4,?5,?6)");
    heldOne =
        query(
            connection,
            "SELECT rowid,image,origin,reason FROM main.__marmot_held WHERE tbl=?1 AND k=?2");
    heldBefore =
        query(
            connection,
            "SELECT rowid,image,origin,reason FROM main.__marmot_held WHERE rowid<?1"
                + " ORDER BY rowid DESC LIMIT ?2");
    stillHeld =
        query(
            connection,
            "UPDATE main.__marmot_held SET reason=?3 WHERE tbl=?1 AND k=?2 AND reason<>?3");
    unhold = query(connection, "DELETE FROM main.__marmot_held WHERE tbl=?1 AND k=?2");
    addConflict =
        query(
            connection,
            "INSERT INTO main.__marmot_conflict(time,tbl,k,losing_origin,winning_origin,position,"
                + "reason,image) SELECT ?1,?2,?3,?4,?5,?6,?7,?8 WHERE NOT EXISTS(SELECT 1 FROM"
                + " main.__marmot_conflict WHERE position=?6 AND tbl=?2 AND k=?3 AND reason=?7"
                + " AND losing_origin=?4)");
    trimConflicts =
        query(
            connection,
            "DELETE FROM main.__marmot_conflict WHERE id IN (SELECT id FROM"
                + " main.__marmot_conflict ORDER BY position DESC,tbl,k,reason,losing_origin"
                + " LIMIT -1 OFFSET ?1)");
    countConflicts = query(connection, "SELECT count(*) FROM main.__marmot_conflict");
  }

  private Query query(Connection connection, String sql) throws SQLException {
    Query query = new Query(connection, sql);
    queries.add(query);
    return query;
  }

  /** Looks what there is: at the beginning of each transaction. */
  void begin() throws SQLException {
    conflicts = false;
    hiddenRead.clear();
    look();
  }

  /** Looks again what there is: it was changed by other means. */
  void look() throws SQLException {
    anything.forEach(
        row -> {
          anyParked = row.number(0) != 0;
          anySkipped = row.number(1) != 0;
          anyHeld = row.number(2) != 0;
          anyHidden = row.number(3) != 0;
        });
  }

  Optional<Parked> parked(RowKey key) throws SQLException {
    if (!anyParked) {
      return Optional.empty();
    }
    return read(parkedOne.bind(1, table(key)).bind(2, key.canonical())).stream().findFirst();
  }

  List<RowKey> parkedKeys() throws SQLException {
    List<RowKey> keys = new ArrayList<>();
    if (anyParked) {
      parkedKeys.forEach(row -> keys.add(new RowKey(row.text(0), row.bytes(1))));
    }
    return keys;
  }

  private static List<Parked> read(Query query) throws SQLException {
    List<Parked> parked = new ArrayList<>();
    query.forEach(
        row -> {
          RowImage image = ChangeSetCodec.decode(row.bytes(3)).get(0);
          parked.add(
              new Parked(new RowKey(image.table(), row.bytes(1)), image, (int) row.number(2)));
        });
    return parked;
  }

  void park(RowKey key, RowImage image, int origin) throws SQLException {
    anyParked = true;
    park.bind(1, table(key))
        .bind(2, key.canonical())
        .bind(3, origin)
        .bind(4, bytes(image))
        .update();
  }

  void unpark(RowKey key) throws SQLException {
    if (anyParked) {
      unpark.bind(1, table(key)).bind(2, key.canonical()).update();
    }
  }

  Optional<RowImage> hidden(RowKey key) throws SQLException {
    return anyHidden
        ? images(hiddenOne.bind(1, table(key)).bind(2, key.canonical())).stream().findFirst()
        : Optional.empty();
  }

  /** All hidden images; a tombstone where the order log has no row. */
  List<RowImage> hidden() throws SQLException {
    return anyHidden ? images(hiddenAll) : List.of();
  }

  /** The hidden images of one table; read once in a transaction. */
  Map<RowKey, RowImage> hidden(String table) throws SQLException {
    if (!anyHidden) {
      return Map.of();
    }
    Map<RowKey, RowImage> known = hiddenRead.get(Sql.fold(table));
    if (known == null) {
      known = new LinkedHashMap<>();
      hiddenRead.put(Sql.fold(table), known);
      Map<RowKey, RowImage> found = known;
      hiddenOf
          .bind(1, Sql.fold(table))
          .forEach(
              row ->
                  found.put(
                      new RowKey(Sql.fold(table), row.bytes(0)),
                      ChangeSetCodec.decode(row.bytes(1)).get(0)));
    }
    return known;
  }

  private static List<RowImage> images(Query query) throws SQLException {
    List<RowImage> images = new ArrayList<>();
    query.forEach(row -> images.add(ChangeSetCodec.decode(row.bytes(0)).get(0)));
    return images;
  }

  void hide(RowKey key, RowImage image) throws SQLException {
    anyHidden = true;
    hide.bind(1, table(key)).bind(2, key.canonical()).bind(3, bytes(image)).update();
    Map<RowKey, RowImage> read = hiddenRead.get(table(key));
    if (read != null) {
      read.put(new RowKey(table(key), key.canonical()), image);
    }
  }

  void unhide(RowKey key) throws SQLException {
    if (anyHidden) {
      unhide.bind(1, table(key)).bind(2, key.canonical()).update();
      Map<RowKey, RowImage> read = hiddenRead.get(table(key));
      if (read != null) {
        read.remove(new RowKey(table(key), key.canonical()));
      }
    }
  }

  void skip(RowKey key) throws SQLException {
    anySkipped = true;
    skip.bind(1, table(key)).bind(2, key.canonical()).update();
  }

  List<RowKey> skipped() throws SQLException {
    List<RowKey> keys = new ArrayList<>();
    if (anySkipped) {
      skipped.forEach(row -> keys.add(new RowKey(row.text(0), row.bytes(1))));
    }
    return keys;
  }

  void unskip(RowKey key) throws SQLException {
    if (anySkipped) {
      unskip.bind(1, table(key)).bind(2, key.canonical()).update();
    }
  }

  /**
   * Held rows go by their hash, which is the same whatever this file's schema makes of their keys:
   * the table may be missing when a row comes and be there when the next one does.
   */
  static byte[] heldKey(long keyHash) {
    return ByteBuffer.allocate(Long.BYTES).putLong(keyHash).array();
  }

  boolean anyHeld() {
    return anyHeld;
  }

  Optional<Held> held(RowImage image) throws SQLException {
    return held(image.table(), image.keyHash());
  }

  Optional<Held> held(String table, long keyHash) throws SQLException {
    if (!anyHeld) {
      return Optional.empty();
    }
    Query query = heldOne.bind(1, Sql.fold(table)).bind(2, heldKey(keyHash));
    return held(query, Long.MAX_VALUE).stream().findFirst();
  }

  /** The newest before this one; fewer than the limit when they are large. */
  List<Held> heldBefore(long id, int limit) throws SQLException {
    return anyHeld ? held(heldBefore.bind(1, id).bind(2, limit), MOST_BYTES) : List.of();
  }

  private static List<Held> held(Query query, long mostBytes) throws SQLException {
    List<Held> held = new ArrayList<>();
    long[] bytes = {0};
    query.whileTrue(
        row -> {
          RowImage image = ChangeSetCodec.decode(row.bytes(1)).get(0);
          held.add(new Held(row.number(0), image, (int) row.number(2), row.text(3)));
          bytes[0] += Slicer.rawBytes(image);
          return bytes[0] < mostBytes;
        });
    return held;
  }

  private static Query bindRow(Query query, RowImage image) {
    return query.bind(1, Sql.fold(image.table())).bind(2, heldKey(image.keyHash()));
  }

  void stillHeld(RowImage image, String reason) throws SQLException {
    bindRow(stillHeld, image).bind(3, reason).update();
  }

  void hold(RowImage image, int origin, String reason) throws SQLException {
    anyHeld = true;
    bindRow(hold, image)
        .bind(3, origin)
        .bind(4, reason)
        .bind(5, clock.millis())
        .bind(6, bytes(image))
        .update();
  }

  void unhold(RowImage image) throws SQLException {
    if (anyHeld) {
      bindRow(unhold, image).update();
    }
  }

  void conflict(RowKey key, Conflict conflict) throws SQLException {
    conflicts = true;
    addConflict
        .bind(1, clock.millis())
        .bind(2, table(key))
        .bind(3, key.canonical())
        .bind(4, conflict.losingOrigin())
        .bind(5, conflict.winningOrigin())
        .bind(6, conflict.position())
        .bind(7, conflict.reason().name())
        .bind(8, bytes(conflict.losing()))
        .update();
  }

  /** The conflict log has grown by other means. */
  void conflictsAdded() {
    conflicts = true;
  }

  /** Keeps the conflict log within its bound: those of the lowest positions go. */
  void trimConflicts() throws SQLException {
    if (conflicts && countConflicts.number(0) > conflictRows) {
      trimConflicts.bind(1, conflictRows).update();
    }
  }

  private static String table(RowKey key) {
    return Sql.fold(key.table());
  }

  private static byte[] bytes(RowImage image) {
    return ChangeSetCodec.encodeUnbounded(List.of(image));
  }

  @Override
  public void close() throws SQLException {
    for (Query query : queries) {
      query.close();
    }
  }
}
