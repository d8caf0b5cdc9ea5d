package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.ConflictHead;
import dev.marmot.sqlite.HeldBackRow;
import dev.marmot.sqlite.HeldRow;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.schema.CanonicalKey;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.TableSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Reads for an operator what {@link SetAside} keeps. Pure functions of a connection. */
final class AsideReader {
  private static final int MOST_HELD_BACK = 500;

  private AsideReader() {}

  /** Entries with a larger id, oldest first, until the caller has enough. */
  static void conflicts(Connection connection, long after, Predicate<LoggedConflict> goOn)
      throws SQLException {
    try (Query query =
        new Query(
            connection,
            "SELECT id,time,losing_origin,winning_origin,position,reason,image"
                + " FROM main.__marmot_conflict WHERE id>?1 ORDER BY id")) {
      query
          .bind(1, after)
          .whileTrue(
              row ->
                  goOn.test(
                      new LoggedConflict(
                          row.number(0),
                          row.number(1),
                          new Conflict(
                              image(row.bytes(6)),
                              (int) row.number(2),
                              (int) row.number(3),
                              row.number(4),
                              Conflict.Reason.valueOf(row.text(5))))));
    }
  }

  /** What tells the entries with a larger id apart, at most so many, oldest first. */
  static List<ConflictHead> conflictHeads(Connection connection, long after, int limit)
      throws SQLException {
    List<ConflictHead> heads = new ArrayList<>();
    try (Query query =
        new Query(
            connection,
            "SELECT id,position,tbl,k,reason,losing_origin FROM main.__marmot_conflict"
                + " WHERE id>?1 AND reason<>'PENDING' ORDER BY id LIMIT ?2")) {
      query
          .bind(1, after)
          .bind(2, limit)
          .forEach(
              row ->
                  heads.add(
                      new ConflictHead(
                          row.number(0),
                          row.number(1),
                          new RowKey(row.text(2), row.bytes(3)),
                          row.text(4),
                          (int) row.number(5))));
    }
    return heads;
  }

  /** Those of another node's entries that are not here. */
  static List<ConflictHead> lacking(Connection connection, List<ConflictHead> theirs)
      throws SQLException {
    List<ConflictHead> lacking = new ArrayList<>();
    try (Query query =
        new Query(
            connection,
            "SELECT EXISTS(SELECT 1 FROM main.__marmot_conflict WHERE position=?1 AND tbl=?2"
                + " AND k=?3 AND reason=?4 AND losing_origin=?5)")) {
      for (ConflictHead head : theirs) {
        query.bind(1, head.position()).bind(2, head.key().table());
        query.bind(3, head.key().canonical()).bind(4, head.reason());
        if (query.bind(5, head.losingOrigin()).number(0) == 0) {
          lacking.add(head);
        }
      }
    }
    return lacking;
  }

  /** Held rows with a larger id, oldest first, until the caller has enough. */
  static void held(Connection connection, long after, Predicate<HeldRow> goOn) throws SQLException {
    try (Query query =
        new Query(
            connection,
            "SELECT rowid,image,origin,reason,time FROM main.__marmot_held WHERE rowid>?1"
                + " ORDER BY rowid")) {
      query
          .bind(1, after)
          .whileTrue(
              row ->
                  goOn.test(
                      new HeldRow(
                          row.number(4),
                          new Held(
                              row.number(0),
                              image(row.bytes(1)),
                              (int) row.number(2),
                              row.text(3)))));
    }
  }

  /** Rows that are too large to be sent, largest first. */
  static List<HeldBackRow> heldBack(Connection connection, DatabaseSchema schema)
      throws SQLException {
    Map<Long, TableSchema> tables = new HashMap<>();
    schema.tables().values().forEach(table -> tables.put(table.id(), table));
    List<HeldBackRow> rows = new ArrayList<>();
    try (ChangeLog log = ChangeLog.open(connection);
        Query query =
            new Query(
                connection,
                "SELECT tbl,k,seq,bytes,time FROM main.__marmot_held_back"
                    + " WHERE seq IN (SELECT seq FROM main.__marmot_change_log)"
                    + " ORDER BY bytes DESC LIMIT "
                    + MOST_HELD_BACK)) {
      query.forEach(
          row -> {
            TableSchema table = tables.get(row.number(0));
            if (table != null) {
              List<SqliteValue> key = log.keyAt(row.number(2), TableReader.keyArity(table));
              long hash = new CanonicalKey(table, schema.encoding()).keyHash(row.bytes(1));
              RowImage image = new RowImage(table.shape(), key, List.of(), true, false, hash);
              rows.add(new HeldBackRow(image, row.number(3), row.number(4)));
            }
          });
    }
    return rows;
  }

  private static RowImage image(byte[] frame) {
    return ChangeSetCodec.decode(frame).get(0);
  }

  static AsideCounts counts(Connection connection) throws SQLException {
    AsideCounts[] counts = new AsideCounts[1];
    try (Query query =
        new Query(
            connection,
            "SELECT (SELECT count(*) FROM main.__marmot_conflict),"
                + "(SELECT ifnull(max(id),0) FROM main.__marmot_conflict),"
                + "(SELECT count(*) FROM main.__marmot_held),"
                + "(SELECT count(*) FROM main.__marmot_parked)")) {
      query.forEach(
          row ->
              counts[0] =
                  new AsideCounts(row.number(0), row.number(1), row.number(2), row.number(3)));
    }
    return counts[0];
  }
}
